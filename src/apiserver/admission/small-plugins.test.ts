import assert from "node:assert/strict";
import { test } from "node:test";
import { configMap, failure, type Harness, pod, startHarness } from "../testing/harness.ts";

const base = "/api/v1/namespaces/default";
const merge = { "content-type": "application/merge-patch+json" };

async function start(options: Parameters<typeof startHarness>[0] = {}): Promise<Harness> {
  const h = await startHarness(options);
  await h.call("POST", `${base}/serviceaccounts`, { metadata: { name: "default" } });
  return h;
}

test("an Ingress without a class gets the newest default one", async () => {
  const h = await start();
  const ingress = (name: string, more: object = {}, annotations = {}) =>
    h.call("POST", "/apis/networking.k8s.io/v1/namespaces/default/ingresses", {
      metadata: { name, annotations },
      spec: { defaultBackend: { service: { name: "s", port: { number: 80 } } }, ...more },
    });
  assert.equal((await ingress("none")).body.spec.ingressClassName, undefined);
  for (const name of ["old", "new"]) {
    const annotations = { "ingressclass.kubernetes.io/is-default-class": "true" };
    await h.call("POST", "/apis/networking.k8s.io/v1/ingressclasses", {
      metadata: { name, annotations },
      spec: { controller: "a.b/c" },
    });
    h.clock.advance(2000);
  }
  assert.equal((await ingress("default")).body.spec.ingressClassName, "new");
  assert.equal((await ingress("named", { ingressClassName: "old" })).body.spec.ingressClassName, "old");
  assert.equal(
    (await ingress("beta", {}, { "kubernetes.io/ingress.class": "x" })).body.spec.ingressClassName,
    undefined,
  );
  await h.close();
});

test("one priority class is the default, and what a pod says of its priority must be true", async () => {
  const h = await start();
  const classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
  const made = { metadata: { name: "usual" }, value: 5, globalDefault: true, preemptionPolicy: "Never" };
  assert.equal((await h.call("POST", classes, made)).status, 201);
  assert.match(
    failure(await h.call("POST", classes, { ...made, metadata: { name: "second" } }), 403).message ?? "",
    /"second" is forbidden: PriorityClass usual is already marked as default. Only one default can exist$/,
  );
  const { body } = await h.call("POST", `${base}/pods`, pod("p"));
  assert.deepEqual(
    [body.spec.priorityClassName, body.spec.priority, body.spec.preemptionPolicy],
    ["usual", 5, "Never"],
  );
  assert.match(
    failure(await h.call("POST", `${base}/pods`, pod("q", { preemptionPolicy: "PreemptLowerPriority" })), 403)
      .message ?? "",
    /the string value of PreemptionPolicy \(PreemptLowerPriority\) must not be provided in pod spec; priority admission controller computed Never/,
  );
  await h.close();
});

test("claims grow when they are bound and their class lets them", async () => {
  const h = await start();
  for (const [name, allowVolumeExpansion] of [
    ["rubber", true],
    ["iron", false],
  ] as const) {
    await h.call("POST", "/apis/storage.k8s.io/v1/storageclasses", {
      metadata: { name },
      provisioner: "p",
      allowVolumeExpansion,
    });
    const spec = {
      accessModes: ["ReadWriteOnce"],
      storageClassName: name,
      resources: { requests: { storage: "1Gi" } },
    };
    await h.call("POST", `${base}/persistentvolumeclaims`, { metadata: { name }, spec });
  }
  const grow = (name: string) =>
    h.call(
      "PATCH",
      `${base}/persistentvolumeclaims/${name}`,
      { spec: { resources: { requests: { storage: "2Gi" } } } },
      merge,
    );
  const bind = (name: string) =>
    h.call("PATCH", `${base}/persistentvolumeclaims/${name}/status`, { status: { phase: "Bound" } }, merge);
  for (const name of ["rubber", "iron"]) await bind(name);
  assert.equal((await grow("rubber")).status, 200);
  assert.match(
    failure(await grow("iron"), 403).message ?? "",
    /only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize$/,
  );
  await h.close();
});

test("a pod learns where its node is, and does not grow beyond it", async () => {
  const h = await start();
  const labels = { "topology.kubernetes.io/zone": "z", "topology.kubernetes.io/region": "r", other: "o" };
  await h.call("POST", "/api/v1/nodes", { metadata: { name: "n", labels } });
  await h.call(
    "PATCH",
    "/api/v1/nodes/n/status",
    { status: { allocatable: { cpu: "2", memory: "1Gi" } } },
    merge,
  );
  const sized = { containers: [{ name: "c", image: "i", resources: { requests: { cpu: "1" } } }] };
  const direct = await h.call("POST", `${base}/pods`, pod("direct", { ...sized, nodeName: "n" }));
  const where = { "topology.kubernetes.io/zone": "z", "topology.kubernetes.io/region": "r" };
  assert.deepEqual(direct.body.metadata.labels, where);
  await h.call("POST", `${base}/pods`, pod("bound", sized));
  await h.call("POST", `${base}/pods/bound/binding`, {
    metadata: { name: "bound" },
    target: { kind: "Node", name: "n" },
  });
  assert.deepEqual((await h.call("GET", `${base}/pods/bound`)).body.metadata.labels, where);
  const resize = { spec: { containers: [{ name: "c", resources: { requests: { cpu: "3" } } }] } };
  const answer = await h.call("PATCH", `${base}/pods/bound/resize`, resize, {
    "content-type": "application/strategic-merge-patch+json",
  });
  const refused = failure(answer, 403);
  assert.match(
    refused.message ?? "",
    /node didn't have enough allocatable resources: cpu, requested: 3000, allocatable: 2000$/,
  );
  assert.deepEqual(refused.details?.causes, [{ reason: "NodeCapacity" }]);
  await h.close();
});

test("owners are free to set by default, and only for who may delete where that is asked for", async () => {
  const owner = (more: object = {}) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    name: "o",
    uid: "u",
    ...more,
  });
  const owned = (name: string, more: object = {}) => ({
    ...configMap(name),
    metadata: { name, ownerReferences: [owner(more)] },
  });
  const free = await start();
  assert.equal(
    (await free.call("POST", `${base}/configmaps`, owned("a", { blockOwnerDeletion: true }))).status,
    201,
  );
  await free.close();
  const h = await start({
    plugins: { enable: ["OwnerReferencesPermissionEnforcement"] },
    authorizer: {
      authorize: ({ verb, subresource }) => ({
        allowed: verb !== "delete" && subresource !== "finalizers",
        reason: "no",
      }),
    },
  });
  assert.equal((await h.call("POST", `${base}/configmaps`, owned("a"))).status, 201);
  assert.match(
    failure(await h.call("POST", `${base}/configmaps`, owned("b", { blockOwnerDeletion: true })), 403)
      .message ?? "",
    /cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: no, <nil>$/,
  );
  assert.match(
    failure(await h.call("PATCH", `${base}/configmaps/a`, { metadata: { ownerReferences: [] } }, merge), 403)
      .message ?? "",
    /cannot set an ownerRef on a resource you can't delete: no, <nil>$/,
  );
  await h.close();
  await assert.rejects(start({ plugins: { disable: ["Nonsense"] } }), /plugin "Nonsense" is unknown/);
});
