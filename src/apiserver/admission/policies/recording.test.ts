import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { AuditEvent } from "../../audit/event.ts";
import { auditBy, recorder } from "../../testing/audit.ts";
import { failure, startHarness } from "../../testing/harness.ts";

const group = "/apis/admissionregistration.k8s.io/v1";
const maps = "/api/v1/namespaces/default/configmaps";
const apiVersion = "admissionregistration.k8s.io/v1";

/** A server with one policy, and the annotations of the last event. */
async function withPolicy(t: TestContext, spec: object, bindings: readonly object[]) {
  const events: AuditEvent[] = [];
  const audit = auditBy(
    [{ level: "Metadata" }],
    recorder((event) => events.push(event)),
  );
  const h = await startHarness({ audit });
  t.after(() => h.close());
  const resourceRules = [
    { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] },
  ];
  const policy = {
    apiVersion,
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: "p" },
    spec: { matchConstraints: { resourceRules }, ...spec },
  };
  const made = await h.call("POST", `${group}/validatingadmissionpolicies`, policy);
  assert.equal(made.status, 201, made.text);
  for (const [i, bound] of bindings.entries()) {
    const binding = {
      apiVersion,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name: `b${i}` },
      spec: { policyName: "p", ...bound },
    };
    const stored = await h.call("POST", `${group}/validatingadmissionpolicybindings`, binding);
    assert.equal(stored.status, 201, stored.text);
  }
  const annotations = (): Record<string, string> =>
    Object.fromEntries(
      Object.entries(events.at(-1)?.annotations ?? {}).filter(([key]) => !key.startsWith("authorization.")),
    );
  return { h, annotations };
}

const map = (data: object) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" }, data });

test("Audit records the first failure; Deny, Warn and Audit go together as the binding says", async (t) => {
  const { h, annotations } = await withPolicy(
    t,
    {
      validations: [
        { expression: "true" },
        { expression: "object.data.x == 'a'", message: "not a" },
        { expression: "object.data.x == 'b'", message: "not b" },
      ],
    },
    [{ validationActions: ["Warn", "Audit"] }],
  );
  const answer = await h.call("POST", maps, map({ x: "c" }));
  assert.equal(answer.status, 201);
  assert.match(String(answer.headers.warning), /with binding 'b0': not a".*with binding 'b0': not b"/s);
  assert.deepEqual(annotations(), {
    "validation.policy.admission.k8s.io/validation_failure": JSON.stringify([
      {
        message: "not a",
        policy: "p",
        binding: "b0",
        expressionIndex: 1,
        validationActions: ["Warn", "Audit"],
      },
    ]),
  });
});

test("a policy's annotations are published, of several bindings together; empty ones and null are not", async (t) => {
  const { h, annotations } = await withPolicy(
    t,
    {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      variables: [{ name: "x", expression: "object.data.x" }],
      auditAnnotations: [
        { key: "both", valueExpression: "variables.x + ' ' + string(params == null)" },
        { key: "given", valueExpression: "params == null ? 'none' : string(params.metadata.name)" },
        { key: "null", valueExpression: "null" },
        { key: "blank", valueExpression: "' '" },
        { key: "long", valueExpression: "'é' + object.data.long" },
      ],
    },
    [
      { validationActions: ["Deny"] },
      { validationActions: ["Deny"], paramRef: { name: "params", parameterNotFoundAction: "Allow" } },
    ],
  );
  const params = { ...map({ x: "0", long: "" }), metadata: { name: "params" } };
  assert.equal((await h.call("POST", maps, params)).status, 201);
  assert.equal((await h.call("POST", maps, map({ x: "1", long: "y".repeat(20_000) }))).status, 201);
  const { "p/long": long, ...others } = annotations();
  assert.deepEqual(others, { "p/both": "1 true, 1 false", "p/given": "none, params" });
  assert.equal(Buffer.byteLength(long as string), 10_240);
});

test("an annotation that cannot be made refuses the request, unless failures are ignored", async (t) => {
  const spec = { auditAnnotations: [{ key: "a", valueExpression: "string(object.data.none)" }] };
  const bound = [{ validationActions: ["Warn"] }];
  const { h } = await withPolicy(t, { ...spec }, bound);
  assert.match(
    failure(await h.call("POST", maps, map({})), 422).message ?? "",
    /denied request: expression 'string\(object\.data\.none\)' resulted in error: no such key: data$/,
  );
  const ignoring = await withPolicy(t, { ...spec, failurePolicy: "Ignore" }, bound);
  assert.equal((await ignoring.h.call("POST", maps, map({}))).status, 201);
  assert.deepEqual(ignoring.annotations(), {});
});

test("annotations are held to their rules: keys, their number, their length", async (t) => {
  const { h } = await withPolicy(t, { validations: [{ expression: "true" }] }, []);
  const causes = async (metadata: object, auditAnnotations: object[]) => {
    const body = {
      apiVersion,
      kind: "ValidatingAdmissionPolicy",
      metadata,
      spec: {
        matchConstraints: {
          resourceRules: [
            { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] },
          ],
        },
        auditAnnotations,
      },
    };
    const answer = await h.call("POST", `${group}/validatingadmissionpolicies?dryRun=All`, body);
    return failure(answer, 422).details?.causes?.map(({ field, message }) => `${field}: ${message}`);
  };
  assert.deepEqual(
    await causes({ name: "q" }, [
      { key: "a", valueExpression: "1" },
      { key: "a", valueExpression: ` '${"x".repeat(5120)}' ` },
    ]),
    [
      'spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to one of [string null_type] but got int',
      "spec.auditAnnotations[1].valueExpression: Required value: must not exceed 5120 bytes in length",
      'spec.auditAnnotations[1].key: Duplicate value: "a"',
    ],
  );
  const many = Array.from({ length: 21 }, (_, i) => ({ key: `k${i}`, valueExpression: "'v'" }));
  assert.match(
    (await causes({ name: "q" }, many))?.join() ?? "",
    /must not have more than 20 auditAnnotations$/,
  );
});
