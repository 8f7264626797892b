import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, type Harness, startHarness } from "../../testing/harness.ts";

const policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const bindings = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
const maps = "/api/v1/namespaces/default/configmaps";

const policy = (spec: object, name = "p") => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingAdmissionPolicy",
  metadata: { name },
  spec: {
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [""],
          apiVersions: ["v1"],
          operations: ["CREATE", "UPDATE", "DELETE"],
          resources: ["configmaps"],
        },
      ],
    },
    ...spec,
  },
});

const binding = (spec: object = {}, name = "b") => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingAdmissionPolicyBinding",
  metadata: { name },
  spec: { policyName: "p", validationActions: ["Deny"], ...spec },
});

const map = (data: object, name = "m", labels: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels },
  data,
});

async function withPolicy(spec: object, bound: object = {}): Promise<Harness> {
  const h = await startHarness();
  for (const [path, body] of [
    [policies, policy(spec)],
    [bindings, binding(bound)],
  ] as const) {
    const made = await h.call("POST", path, body);
    assert.equal(made.status, 201, made.text);
  }
  return h;
}

test("a bound policy refuses what its expression does not hold for", async () => {
  const h = await withPolicy({
    variables: [{ name: "x", expression: "object.data.x" }],
    validations: [
      { expression: "variables.x != 'a'", message: "not a", reason: "Forbidden" },
      { expression: "variables.x != 'b'", messageExpression: "variables.x + ' for ' + request.operation" },
      { expression: "variables.x != 'c' || namespaceObject.metadata.name != 'default'" },
    ],
  });
  const refused = async (x: string, code: number) => failure(await h.call("POST", maps, map({ x })), code);
  const first = await refused("a", 403);
  const text = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: not a";
  assert.equal(first.message, `configmaps "m" is forbidden: ${text}`);
  assert.equal(first.reason, "Forbidden");
  assert.deepEqual(first.details, { name: "m", kind: "configmaps", causes: [{ message: text }] });
  assert.match((await refused("b", 422)).message ?? "", /denied request: b for CREATE$/);
  assert.match((await refused("c", 422)).message ?? "", /failed expression: variables\.x != 'c' \|\|/);
  assert.equal((await h.call("POST", maps, map({ x: "d" }))).status, 201);
  assert.match(
    failure(await h.call("POST", maps, map({}, "n")), 422).message ?? "",
    /expression 'variables\.x != 'a'' resulted in error: composited variable "x" fails to evaluate: no such key: data$/,
  );
  await h.close();
});

test("conditions, selectors and failurePolicy say for what a policy speaks", async () => {
  const h = await withPolicy(
    {
      failurePolicy: "Ignore",
      matchConditions: [{ name: "c", expression: "object.data.x != 'skip'" }],
      validations: [{ expression: "object.data.y == 'y'" }],
    },
    { matchResources: { objectSelector: { matchLabels: { held: "yes" } } } },
  );
  const answer = async (data: object, labels: object) =>
    (await h.call("POST", `${maps}?dryRun=All`, map(data, "m", labels))).status;
  assert.equal(await answer({ x: "1", y: "n" }, { held: "yes" }), 422);
  assert.equal(await answer({ x: "1", y: "n" }, {}), 201);
  assert.equal(await answer({ x: "skip", y: "n" }, { held: "yes" }), 201);
  // Neither key exists: failed expressions are ignored.
  assert.equal(await answer({ z: "1" }, { held: "yes" }), 201);
  assert.equal(await answer({ x: "1" }, { held: "yes" }), 201);
  await h.close();
});

test("a change is held against the old object, a deletion has no new one", async () => {
  const h = await withPolicy({
    validations: [
      {
        expression: "object == null || oldObject == null || object.data == oldObject.data",
        message: "stays",
      },
      { expression: "request.operation != 'DELETE'", message: "never goes" },
    ],
  });
  assert.equal((await h.call("POST", maps, map({ x: "1" }))).status, 201);
  const change = await h.call(
    "PATCH",
    `${maps}/m`,
    { data: { x: "2" } },
    { "content-type": "application/merge-patch+json" },
  );
  assert.match(failure(change, 422).message ?? "", /denied request: stays$/);
  assert.match(
    failure(await h.call("DELETE", `${maps}/m`), 422).message ?? "",
    /denied request: never goes$/,
  );
  await h.close();
});

test("parameters come by name; when there are none the binding says what happens", async () => {
  const h = await withPolicy(
    {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      validations: [{ expression: "object.metadata.name == 'limits' || object.data.x == params.data.x" }],
    },
    { paramRef: { name: "limits", parameterNotFoundAction: "Deny" } },
  );
  assert.match(
    failure(await h.call("POST", maps, map({ x: "1" })), 422).message ?? "",
    /failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction$/,
  );
  const allowing = structuredClone((await h.call("GET", `${bindings}/b`)).body);
  allowing.spec.paramRef.parameterNotFoundAction = "Allow";
  assert.equal((await h.call("PUT", `${bindings}/b`, allowing)).status, 200);
  assert.equal((await h.call("POST", maps, map({ x: "1" }, "limits"))).status, 201);
  assert.equal((await h.call("POST", maps, map({ x: "1" }))).status, 201);
  failure(await h.call("POST", maps, map({ x: "2" }, "n")), 422);
  await h.close();
});

test("Warn warns, and expressions that do not compile are refused with the policy", async () => {
  const h = await withPolicy(
    { validations: [{ expression: "object.data.x == 'a'" }] },
    { validationActions: ["Warn"] },
  );
  const answer = await h.call("POST", maps, map({ x: "b" }));
  assert.equal(answer.status, 201);
  assert.match(
    String(answer.headers.warning),
    /Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': failed expression: object\.data\.x == 'a'/,
  );
  const { details } = failure(
    await h.call(
      "POST",
      policies,
      policy(
        {
          variables: [{ name: "x", expression: "foo" }],
          matchConditions: [{ name: "c", expression: "1" }],
          validations: [{ expression: "params.x == 1", messageExpression: "1" }],
        },
        "q",
      ),
    ),
    422,
  );
  assert.deepEqual(
    details?.causes?.map(({ field }) => field),
    [
      "spec.matchConditions[0].expression",
      "spec.variables[0].expression",
      "spec.validations[0].expression",
      "spec.validations[0].messageExpression",
    ],
  );
  await h.close();
});
