import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, type Harness, pod, startHarness } from "../testing/harness.ts";

const base = "/api/v1/namespaces/default";
const merge = { "content-type": "application/merge-patch+json" };

/** Requests are the administrator's, or with `as-node` those of node "n". */
async function start(): Promise<Harness & { asNode: Harness["call"] }> {
  const h = await startHarness({
    authenticator: {
      authenticate: ({ headers }) =>
        headers["as-node"]
          ? { name: "system:node:n", groups: ["system:nodes"] }
          : { name: "admin", groups: ["system:masters"] },
    },
  });
  await h.call("POST", `${base}/serviceaccounts`, { metadata: { name: "default" } });
  const asNode: Harness["call"] = (method, path, body, headers) =>
    h.call(method, path, body, { ...headers, "as-node": "yes" });
  return { ...h, asNode };
}

const why = async (answer: ReturnType<Harness["call"]>): Promise<string> =>
  failure(await answer, 403).message ?? "";

test("a node writes itself, and not what would attract pods", async () => {
  const h = await start();
  const node = (name: string, labels = {}) => ({ metadata: { name, labels } });
  assert.match(
    await why(h.asNode("POST", "/api/v1/nodes", node("m"))),
    /node "n" is not allowed to modify node "m"$/,
  );
  assert.match(
    await why(
      h.asNode(
        "POST",
        "/api/v1/nodes",
        node("n", { "node-restriction.kubernetes.io/x": "1", "kubernetes.io/os": "linux", "k8s.io/y": "1" }),
      ),
    ),
    /node "n" is not allowed to set the following labels: k8s.io\/y, node-restriction.kubernetes.io\/x$/,
  );
  assert.equal(
    (await h.asNode("POST", "/api/v1/nodes", node("n", { "kubernetes.io/os": "linux", mine: "1" }))).status,
    201,
  );
  const change = (body: object) => h.asNode("PATCH", "/api/v1/nodes/n", body, merge);
  assert.match(await why(change({ spec: { taints: [] } })), /node "n" is not allowed to modify taints$/);
  assert.match(
    await why(change({ metadata: { labels: { "kubernetes.io/role": "x" } } })),
    /is not allowed to modify labels: kubernetes.io\/role$/,
  );
  const owner = { apiVersion: "v1", kind: "Pod", name: "p", uid: "u" };
  assert.match(await why(change({ metadata: { ownerReferences: [owner] } })), /modify ownerReferences$/);
  assert.equal((await change({ metadata: { labels: { mine: "2" } } })).status, 200);
  await h.close();
});

test("a node makes mirror pods of itself, tells the state of its own pods, and ends those alone", async () => {
  const h = await start();
  const { body: node } = await h.asNode("POST", "/api/v1/nodes", { metadata: { name: "n" } });
  const mirrored = (more: object = {}, meta: object = {}) => ({
    ...pod("m", { nodeName: "n", ...more }),
    metadata: {
      name: "m",
      annotations: { "kubernetes.io/config.mirror": "x" },
      ownerReferences: [
        { apiVersion: "v1", kind: "Node", name: "n", uid: node.metadata.uid, controller: true },
      ],
      ...meta,
    },
  });
  const create = (body: object) => h.asNode("POST", `${base}/pods`, body);
  assert.match(await why(create(pod("m", { nodeName: "n" }))), /can only create mirror pods$/);
  assert.match(await why(create(mirrored({ nodeName: "o" }))), /spec.nodeName set to itself$/);
  assert.match(
    await why(create(mirrored({}, { ownerReferences: [] }))),
    /with an owner reference set to itself$/,
  );
  assert.match(
    await why(create(mirrored({ volumes: [{ name: "v", configMap: { name: "c" } }] }))),
    /can not create pods that reference configmaps$/,
  );
  assert.equal((await create(mirrored())).status, 201);
  await h.call("POST", `${base}/pods`, pod("other", { nodeName: "o" }));
  const status = { status: { phase: "Running" } };
  assert.match(
    await why(h.asNode("PATCH", `${base}/pods/other/status`, status, merge)),
    /can only update pod status for pods with spec.nodeName set to itself$/,
  );
  assert.equal((await h.asNode("PATCH", `${base}/pods/m/status`, status, merge)).status, 200);
  assert.match(
    await why(h.asNode("PATCH", `${base}/pods/m/status`, { metadata: { labels: { a: "b" } } }, merge)),
    /cannot update labels through pod status$/,
  );
  assert.match(
    await why(h.asNode("DELETE", `${base}/pods/other`)),
    /can only delete pods with spec.nodeName set to itself$/,
  );
  const evict = (name: string) =>
    h.asNode("POST", `${base}/pods/${name}/eviction`, {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name },
    });
  assert.match(await why(evict("other")), /node n can only evict pods with spec.nodeName set to itself$/);
  assert.equal((await evict("m")).status, 201);
  await h.close();
});

test("leases, claims and slices of others are not a node's business", async () => {
  const h = await start();
  const lease = (namespace: string, name: string) =>
    h.asNode("POST", `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`, { metadata: { name } });
  assert.match(
    await why(lease("default", "n")),
    /can only access leases in the "kube-node-lease" system namespace$/,
  );
  assert.match(
    await why(lease("kube-node-lease", "m")),
    /can only access node lease with the same name as the requesting node$/,
  );
  assert.equal((await lease("kube-node-lease", "n")).status, 201);
  const claim = {
    metadata: { name: "c" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1" } } },
  };
  await h.call("POST", `${base}/persistentvolumeclaims`, claim);
  assert.match(
    await why(
      h.asNode("PATCH", `${base}/persistentvolumeclaims/c`, { metadata: { labels: { a: "b" } } }, merge),
    ),
    /may only update PVC status$/,
  );
  const status = (body: object) =>
    h.asNode("PATCH", `${base}/persistentvolumeclaims/c/status`, { status: body }, merge);
  assert.match(await why(status({ phase: "Bound" })), /is not allowed to update fields other than/);
  assert.equal((await status({ capacity: { storage: "1" } })).status, 200);
  await h.close();
});
