import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigMap, KubeObject, OwnerReference } from "../../api/index.ts";
import { type Bench, deployment, names, startBench } from "../testing/bench.ts";
import { runDeployments } from "../deployment/index.ts";
import { runReplicaSets } from "../replicaset/index.ts";
import { runGarbageCollector } from "./index.ts";
import { decideFate } from "./reconcile.ts";

const ref = (owner: KubeObject, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  name: owner.metadata?.name ?? "",
  uid: owner.metadata?.uid ?? "",
  ...more,
});
const make = (bench: Bench, name: string, ...ownerReferences: OwnerReference[]): Promise<ConfigMap> =>
  bench.client.configMaps.create("default", { metadata: { name, ownerReferences } });
const left = async (bench: Bench) => names((await bench.client.configMaps.list("default")).items);
const remove = (bench: Bench, name: string, propagationPolicy: "Background" | "Foreground" | "Orphan") =>
  bench.client.configMaps.delete("default", name, { propagationPolicy });

test("in the background: dependents follow their owner, down the chain", async () => {
  const bench = await startBench(runGarbageCollector);
  const a = await make(bench, "a");
  const b = await make(bench, "b", ref(a));
  await make(bench, "c", ref(b));
  await make(bench, "other");
  await bench.settle();
  await remove(bench, "a", "Background");
  await bench.settle();
  assert.deepEqual(await left(bench), ["other"]);
  await bench.stop();
});

test("in the foreground: the owner stays until the dependents that block it are gone", async () => {
  const bench = await startBench(runGarbageCollector);
  const a = await make(bench, "a");
  await bench.client.configMaps.create("default", {
    metadata: {
      name: "held",
      finalizers: ["example.com/hold"],
      ownerReferences: [ref(a, { blockOwnerDeletion: true })],
    },
  });
  await make(bench, "free", ref(a));
  await bench.settle();
  await remove(bench, "a", "Foreground");
  await bench.settle();
  assert.deepEqual(await left(bench), ["a", "held"]);
  await bench.client.configMaps.patch("default", "held", "merge", { metadata: { finalizers: null } });
  await bench.settle();
  assert.deepEqual(await left(bench), []);
  await bench.stop();
});

test("orphaned: the owner goes, its dependents stay without the reference", async () => {
  const bench = await startBench(runGarbageCollector);
  const a = await make(bench, "a");
  await make(bench, "b", ref(a));
  await bench.settle();
  await remove(bench, "a", "Orphan");
  await bench.settle();
  assert.deepEqual(await left(bench), ["b"]);
  const b = await bench.client.configMaps.get("default", "b");
  assert.deepEqual(b.metadata?.ownerReferences ?? [], []);
  await bench.stop();
});

test("one owner that lives keeps it; an owner of that name but another UID does not", async () => {
  const bench = await startBench(runGarbageCollector);
  const a = await make(bench, "a");
  const b = await make(bench, "b");
  await make(bench, "both", ref(a), ref(b));
  await make(bench, "stale", ref({ metadata: { name: "b", uid: "another" } }));
  await make(bench, "foreign", ref(a, { apiVersion: "example.com/v1", kind: "Unknown" }));
  await bench.settle();
  assert.deepEqual(await left(bench), ["a", "b", "both", "foreign"]);
  await remove(bench, "a", "Background");
  await bench.settle();
  assert.deepEqual(await left(bench), ["b", "both", "foreign"]);
  const both = await bench.client.configMaps.get("default", "both");
  assert.deepEqual(
    both.metadata?.ownerReferences?.map((each) => each.name),
    ["b"],
  );
  await bench.stop();
});

test("a circle of three is collected, in the background and in the foreground", async () => {
  for (const policy of ["Background", "Foreground"] as const) {
    const bench = await startBench(runGarbageCollector);
    const block = { blockOwnerDeletion: true };
    const a = await make(bench, "a");
    const b = await make(bench, "b", ref(a, block));
    const c = await make(bench, "c", ref(b, block));
    await bench.client.configMaps.patch("default", "a", "merge", {
      metadata: { ownerReferences: [ref(c, block)] },
    });
    await bench.settle();
    assert.equal((await left(bench)).length, 3);
    await remove(bench, "a", policy);
    await bench.settle();
    await bench.clock.run(2000);
    assert.deepEqual(await left(bench), [], policy);
    await bench.stop();
  }
});

test("a Deployment takes its ReplicaSets and pods with it", async () => {
  const bench = await startBench(runGarbageCollector, runDeployments, runReplicaSets);
  await bench.client.deployments.create("default", deployment("web", 3));
  await bench.settle();
  assert.equal((await bench.client.pods.list("default")).items.length, 3);
  await bench.client.deployments.delete("default", "web", { propagationPolicy: "Foreground" });
  await bench.settle();
  assert.equal((await bench.client.pods.list("default")).items.length, 0);
  assert.equal((await bench.client.replicaSets.list("default")).items.length, 0);
  assert.equal((await bench.client.deployments.list("default")).items.length, 0);
  await bench.stop();
});

test("fates", () => {
  const owner = (state: "solid" | "absent" | "waiting") => ({
    reference: ref({ metadata: { name: state } }),
    state,
  });
  const object = (finalizers: string[] = []): KubeObject => ({ metadata: { finalizers } });
  assert.equal(decideFate(object(), [owner("solid"), owner("absent")], []).kind, "unlink");
  assert.deepEqual(decideFate(object(["orphan"]), [owner("absent")], []), {
    kind: "delete",
    propagation: "Orphan",
    unblock: false,
  });
  assert.deepEqual(decideFate(object(), [owner("waiting")], [{ waits: true }]), {
    kind: "delete",
    propagation: "Foreground",
    unblock: true,
  });
});
