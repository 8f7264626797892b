import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { configMap, failure, pod } from "../../testing/harness.ts";
import { configure, hook, maps, patchOf, serve, webhookServer } from "../../testing/webhooks.ts";

const pods = "/api/v1/namespaces/default/pods";
const rules = [
  { operations: ["*"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods", "configmaps"] },
];
const add = (path: string, value: unknown) => ({ op: "add", path, value });
const withoutAccounts = { plugins: { disable: ["ServiceAccount"] } };

/** One webhook that answers with these operations, and `more`. */
async function patching(t: TestContext, operations: object[], more: object = {}) {
  const hooks = await webhookServer(t, () => ({ ...patchOf(operations), ...more }));
  const h = await serve(t, withoutAccounts);
  await configure(h, "Mutating", "m", [hook("m", hooks.url, { rules, ...more })]);
  return h;
}

test("built-in plugins see what webhooks made of the object", async (t) => {
  const inject = [add("/spec/containers/-", { name: "side", image: "s" })];
  const hooks = await webhookServer(t, ({ object }, path) =>
    path === "/inject" && object.spec.containers.length === 1 ? patchOf(inject) : { allowed: true },
  );
  const h = await serve(t, withoutAccounts);
  await h.call("POST", "/api/v1/namespaces/default/limitranges", {
    metadata: { name: "l" },
    spec: { limits: [{ type: "Container", default: { cpu: "1" } }] },
  });
  await configure(h, "Mutating", "m", [
    hook("early", `${hooks.url}/early`, { rules, reinvocationPolicy: "IfNeeded" }),
    hook("inject", `${hooks.url}/inject`, { rules }),
  ]);
  const made = await h.call("POST", pods, pod("p"));
  assert.equal(made.status, 201, made.text);
  const limits = made.body.spec.containers.map((each: { resources: object }) => each.resources);
  assert.deepEqual(limits[1], limits[0], "the new container has the limits of the LimitRange too");
  assert.deepEqual(
    hooks.seen.map(({ path, object }) => [path, object.spec.containers.length]),
    [
      ["/early", 1],
      ["/inject", 1],
      ["/early", 2],
    ],
  );
});

test("whoever was passed over the first time is not asked the second time", async (t) => {
  const hooks = await webhookServer(t, (_request, path) =>
    path === "/late" ? patchOf([add("/metadata/labels", { late: "1" })]) : { allowed: true },
  );
  const h = await serve(t);
  const more = { reinvocationPolicy: "IfNeeded" };
  await configure(h, "Mutating", "m", [
    hook("picky", `${hooks.url}/picky`, { ...more, objectSelector: { matchLabels: { late: "1" } } }),
    hook("always", `${hooks.url}/always`, more),
    hook("late", `${hooks.url}/late`, more),
  ]);
  await h.call("POST", maps, configMap("a"));
  assert.deepEqual(
    hooks.seen.map(({ path }) => path),
    ["/always", "/late", "/always"],
  );
});

test("a patch that does not apply, or makes no object of the kind, is an error whatever the failurePolicy", async (t) => {
  const cases: [object[], RegExp][] = [
    [
      [{ op: "remove", path: "/data/none" }],
      /^Internal error occurred: error in remove for path: '\/data\/none': Unable to remove nonexistent key/,
    ],
    [
      [add("/data", { k: 5 })],
      /^Internal error occurred: json: cannot unmarshal number into Go struct field/,
    ],
    [[add("/kind", "Secret")], /converting \(v1.Secret\) to \(core.ConfigMap\): unknown conversion$/],
    [[add("/apiVersion", "v9")], /no kind "ConfigMap" is registered for version "v9"/],
    [[null as unknown as object], /Unexpected kind: unknown$/],
  ];
  for (const [operations, text] of cases) {
    const h = await patching(t, operations, { failurePolicy: "Ignore" });
    assert.match(failure(await h.call("POST", maps, configMap("a", { k: "v" })), 500).message ?? "", text);
  }
});

test("a patch that is none is the webhook's failure", async (t) => {
  const patch = Buffer.from("hello").toString("base64");
  const closed = await patching(t, [], { patch });
  assert.match(
    failure(await closed.call("POST", maps, configMap("a")), 500).message ?? "",
    /failed calling webhook "m.example.com": received undecodable patch in webhook response: invalid character 'h'/,
  );
  const open = await patching(t, [], { patch, failurePolicy: "Ignore" });
  assert.equal((await open.call("POST", maps, configMap("a"))).status, 201);
  const other = await patching(t, [add("/data", { k: "v" })], { patchType: "Other" });
  assert.match(
    failure(await other.call("POST", maps, configMap("a")), 500).message ?? "",
    /webhook "m.example.com": unsupported patch type "Other"$/,
  );
});

test("what a webhook made of the object is judged like what a client sent", async (t) => {
  const moved = await patching(t, [add("/metadata/namespace", "kube-system")]);
  assert.match(
    failure(await moved.call("POST", maps, configMap("a")), 400).message ?? "",
    /namespace .* does not match/,
  );
  const invalid = await patching(t, [add("/data", { "bad key": "v" })]);
  assert.match(
    failure(await invalid.call("POST", maps, configMap("a")), 422).message ?? "",
    /data\[bad key\]/,
  );
  const renamed = await patching(t, [add("/metadata/name", "other")]);
  assert.equal((await renamed.call("POST", maps, configMap("a"))).body.metadata.name, "other");
  const versioned = await patching(t, [add("/metadata/resourceVersion", "5")]);
  assert.equal(
    failure(await versioned.call("POST", maps, configMap("a")), 500).message,
    "resourceVersion should not be set on objects to be created",
  );
});

test("owners of fields: a webhook's changes are nobody's, and what it breaks is mended", async (t) => {
  const good = await patching(t, [add("/data", { added: "1" })]);
  const { body } = await good.call("POST", maps, configMap("a"));
  assert.deepEqual(body.data, { added: "1" });
  assert.deepEqual(
    body.metadata.managedFields?.flatMap(({ fieldsV1 }: { fieldsV1: object }) => Object.keys(fieldsV1)) ?? [],
    [],
  );
  const broken = await patching(t, [add("/metadata/managedFields/0/operation", "Foo")]);
  const mended = await broken.call("POST", maps, configMap("a", { k: "v" }));
  assert.equal(mended.body.metadata.managedFields[0].operation, "Update");
  assert.match(
    mended.headers.warning ?? "",
    /managedFields was in an invalid state after admission; .* please fix your requests: operation must be `Apply` or `Update`"$/,
  );
});

test("an owner that is named twice is named once", async (t) => {
  const owner = { apiVersion: "v1", kind: "ConfigMap", name: "o", uid: "u" };
  const h = await patching(t, [add("/metadata/ownerReferences", [owner, owner])]);
  const made = await h.call("POST", maps, configMap("a"));
  assert.deepEqual(made.body.metadata.ownerReferences, [owner]);
  assert.match(
    made.headers.warning ?? "",
    /ownerReferences contains duplicate entries after mutating admission happens; .* observed: u"$/,
  );
  const plain = await serve(t);
  const twice = { ...configMap("b"), metadata: { name: "b", ownerReferences: [owner, owner] } };
  const sent = await plain.call("POST", maps, twice);
  assert.deepEqual(sent.body.metadata.ownerReferences, [owner]);
  assert.match(sent.headers.warning ?? "", /contains duplicate entries; API server dedups/);
});

test("nobody can change an object that is being deleted", async (t) => {
  const h = await patching(t, [add("/metadata/labels", { a: "b" })], {
    rules: [{ ...rules[0], operations: ["DELETE"] }],
  });
  await h.call("POST", maps, configMap("a"));
  assert.equal(
    failure(await h.call("DELETE", `${maps}/a`), 500).message,
    'Internal error occurred: admission webhook "m.example.com" attempted to modify the object, which is not supported for this operation',
  );
});
