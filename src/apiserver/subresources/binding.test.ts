import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { failure, type Harness, pod, startHarness } from "../testing/harness.ts";

const base = "/api/v1/namespaces/default";
let h: Harness;
let name: string;
let made = 0;

before(async () => {
  h = await startHarness();
  await h.call("POST", `${base}/serviceaccounts`, { metadata: { name: "default" } });
});
after(() => h.close());
beforeEach(async () => {
  name = `p${made++}`;
  assert.equal((await h.call("POST", `${base}/pods`, pod(name))).status, 201);
});

const bind = (metadata: object, query = "", more: object = {}) =>
  h.call("POST", `${base}/pods/${name}/binding${query}`, {
    metadata: { name, ...metadata },
    target: { name: "n" },
    ...more,
  });
const nodeOf = async (): Promise<unknown> => (await h.call("GET", `${base}/pods/${name}`)).body.spec.nodeName;

test("a Binding is held against its type, as strictly as is asked", async () => {
  const zz = { zz: 1 };
  const warned = await bind({}, "?dryRun=All", zz);
  assert.equal(warned.status, 201);
  assert.match(String(warned.headers["warning"]), /unknown field \\"zz\\"/);
  assert.match(
    failure(await bind({}, "?fieldValidation=Strict", zz), 400).message ?? "",
    /unknown field "zz"$/,
  );
  assert.match(
    failure(await bind({}, "", { target: "n" }), 400).message ?? "",
    /cannot unmarshal string into Go struct field Binding\.target of type v1\.ObjectReference$/,
  );
  assert.equal(
    failure(await bind({ namespace: "other" }), 400).message,
    "the namespace of the provided object does not match the namespace sent on the request",
  );
  assert.equal(await nodeOf(), undefined);
});

test("a pod is bound once, and the conflict is one of its binding", async () => {
  assert.equal((await bind({ annotations: { a: "b" } })).status, 201);
  assert.equal(await nodeOf(), "n");
  const again = failure(await bind({}), 409);
  assert.equal(
    again.message,
    `Operation cannot be fulfilled on pods/binding "${name}": pod ${name} is already assigned to node "n"`,
  );
  assert.equal(again.details?.kind, "pods/binding");
});

test("another pod, or another state of it, than was meant is not bound", async () => {
  const uid = failure(await bind({ uid: "x" }), 409).message ?? "";
  assert.ok(uid.includes(`Key: /registry/pods/default/${name}, `), uid);
  assert.match(uid, /Precondition failed: UID in precondition: x, UID in object meta: \S+$/);
  const version = failure(await bind({ resourceVersion: "1" }, "?dryRun=All"), 409).message ?? "";
  assert.ok(version.includes(`Key: /pods/default/${name}, `), version);
  assert.match(version, /ResourceVersion in precondition: 1, ResourceVersion in object meta: \d+$/);
  assert.equal(await nodeOf(), undefined);
});

test("by the way of bindings, the uid is not looked at", async () => {
  const body = { metadata: { name, uid: "x" }, target: { name: "n" } };
  assert.equal((await h.call("POST", `${base}/bindings`, body)).status, 201);
  assert.equal(await nodeOf(), "n");
});

test("what reports a pod's status leaves its owners alone, and the older address counts", async () => {
  const owner = { apiVersion: "v1", kind: "X", name: "x", uid: "u" };
  const status = { podIP: "1.2.3.4", podIPs: [{ ip: "1.2.3.5" }, { ip: "::1" }], hostIP: "1.2.3.6" };
  const { body } = await h.call(
    "PATCH",
    `${base}/pods/${name}/status`,
    { metadata: { ownerReferences: [owner] }, status },
    { "content-type": "application/merge-patch+json" },
  );
  assert.equal(body.metadata.ownerReferences, undefined);
  assert.deepEqual(body.status.podIPs, [{ ip: "1.2.3.4" }]);
  assert.equal(body.status.hostIPs, undefined);
});
