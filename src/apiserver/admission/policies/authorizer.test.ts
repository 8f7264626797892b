import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuthorizationAttributes, Decision } from "../../auth-contract.ts";
import { failure, startHarness } from "../../testing/harness.ts";

const group = "/apis/admissionregistration.k8s.io/v1";
const maps = "/api/v1/namespaces/default/configmaps";
const apiVersion = "admissionregistration.k8s.io/v1";

const constraints = {
  resourceRules: [
    { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] },
  ],
};

/** A server whose authorizer answers with `answer`, and the attributes that expressions asked about. */
async function serve(answer: (asked: AuthorizationAttributes) => Decision | Promise<Decision>) {
  const asked: AuthorizationAttributes[] = [];
  const h = await startHarness({
    authorizer: {
      authorize(attributes) {
        if (attributes.user.name === "admin" && attributes.verb !== "ask")
          return { allowed: true, reason: "" };
        asked.push(attributes);
        return answer(attributes);
      },
    },
  });
  const store = async (kind: "Validating" | "Mutating", spec: object, bound: object) => {
    const of = kind.toLowerCase();
    for (const [plural, body] of [
      ["policies", { kind: `${kind}AdmissionPolicy`, spec: { matchConstraints: constraints, ...spec } }],
      ["policybindings", { kind: `${kind}AdmissionPolicyBinding`, spec: { policyName: "p", ...bound } }],
    ] as const) {
      const made = await h.call("POST", `${group}/${of}admission${plural}`, {
        apiVersion,
        metadata: { name: "p" },
        ...body,
      });
      assert.equal(made.status, 201, made.text);
    }
  };
  return { h, asked, store };
}

const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" }, data: { x: "1" } };
const account = "authorizer.serviceAccount('ns', 'sa').group('apps').resource('deployments')";

test("expressions ask who may do what, for the sender or an account, each question once", async () => {
  const { h, asked, store } = await serve(({ resource }) => ({
    allowed: resource === "deployments",
    reason: "because",
  }));
  await store(
    "Validating",
    {
      validations: [
        {
          expression: `${account}.subresource('scale').namespace('ns').name('d').labelSelector('a=b').fieldSelector('!!!').check('ask').allowed()`,
        },
        { expression: `${account}.check('ask').reason() == 'because' && !${account}.check('ask').errored()` },
        { expression: "!authorizer.requestResource.check('ask').allowed()" },
        { expression: "authorizer.path('/x').check('ask').allowed()", message: "not that path" },
      ],
    },
    { validationActions: ["Deny"] },
  );
  assert.match(failure(await h.call("POST", maps, map), 422).message ?? "", /denied request: not that path$/);
  const user = {
    name: "system:serviceaccount:ns:sa",
    groups: ["system:serviceaccounts", "system:serviceaccounts:ns"],
  };
  const resource = { apiGroup: "apps", apiVersion: "*", resource: "deployments", path: "", isResource: true };
  const nothing = { subresource: "", namespace: "", name: "" };
  const admin = { name: "admin", groups: ["system:masters"] };
  assert.deepEqual(asked, [
    {
      user,
      verb: "ask",
      ...resource,
      subresource: "scale",
      namespace: "ns",
      name: "d",
      labelSelector: "a=b",
    },
    { user, verb: "ask", ...resource, ...nothing },
    {
      user: admin,
      verb: "ask",
      ...resource,
      apiGroup: "",
      resource: "configmaps",
      subresource: "",
      namespace: "default",
      name: "m",
    },
    {
      user: admin,
      verb: "ask",
      apiGroup: "",
      apiVersion: "",
      resource: "",
      ...nothing,
      path: "/x",
      isResource: false,
    },
  ]);
  await h.close();
});

test("answers that take time are waited for; who cannot answer is an error that expressions can see", async () => {
  const { h, asked, store } = await serve(async ({ path }) => {
    await new Promise((resolve) => setImmediate(resolve));
    if (path === "/broken") throw new Error("nobody is there");
    return { allowed: path === "/a", reason: "" };
  });
  const check = (path: string): string => `authorizer.path('${path}').check('ask')`;
  await store(
    "Validating",
    {
      matchConditions: [{ name: "c", expression: `${check("/a")}.allowed()` }],
      variables: [{ name: "b", expression: `${check("/b")}.allowed()` }],
      validations: [
        { expression: "!variables.b && !variables.b" },
        { expression: `${check("/broken")}.errored() && ${check("/broken")}.error() == 'nobody is there'` },
        { expression: `${check("/b")}.allowed() || ${check("/c")}.allowed()`, message: "late" },
      ],
    },
    { validationActions: ["Deny"] },
  );
  assert.match(failure(await h.call("POST", maps, map), 422).message ?? "", /denied request: late$/);
  assert.deepEqual(
    asked.map(({ path }) => path),
    ["/a", "/b", "/broken", "/c"],
  );
  await store(
    "Mutating",
    {
      reinvocationPolicy: "Never",
      matchConditions: [{ name: "c", expression: `${check("/a")}.allowed()` }],
      mutations: [
        {
          patchType: "JSONPatch",
          jsonPatch: {
            expression: `[JSONPatch{op: 'add', path: '/data/y', value: string(${check("/b")}.allowed())}]`,
          },
        },
      ],
    },
    {},
  );
  assert.equal((await h.call("DELETE", `${group}/validatingadmissionpolicies/p`)).status, 200);
  const made = await h.call("POST", maps, map);
  assert.deepEqual(made.body.data, { x: "1", y: "false" });
  await h.close();
});
