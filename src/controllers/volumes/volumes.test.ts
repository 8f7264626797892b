import assert from "node:assert/strict";
import { test } from "node:test";
import type { PersistentVolume, PersistentVolumeClaim, VolumeAttributesClass } from "../../api/index.ts";
import { isReason } from "../../machinery/index.ts";
import { localPathProvisioner } from "../local-path/index.ts";
import { pathToRemove, provisioner } from "../local-path/reconcile.ts";
import { type Bench, names, startBench, containers } from "../testing/bench.ts";
import { findVolume } from "./claim-facts.ts";
import { runVolumeBinder } from "./index.ts";
import { runStorageProtection } from "./protection.ts";

const volume = (name: string, storage: string, more: PersistentVolume["spec"] = {}): PersistentVolume => ({
  metadata: { name },
  spec: {
    capacity: { storage },
    accessModes: ["ReadWriteOnce"],
    persistentVolumeReclaimPolicy: "Retain",
    storageClassName: "",
    hostPath: { path: `/data/${name}` },
    ...more,
  },
});
const claim = (
  name: string,
  storage: string,
  more: PersistentVolumeClaim["spec"] = {},
): PersistentVolumeClaim => ({
  metadata: { name, namespace: "default" },
  spec: {
    accessModes: ["ReadWriteOnce"],
    storageClassName: "",
    resources: { requests: { storage } },
    ...more,
  },
});

function directories() {
  const made: string[] = [];
  return {
    made,
    create: async (path: string) => void made.push(path),
    remove: async (path: string) => void made.splice(made.indexOf(path), 1),
  };
}

async function start(): Promise<Bench & { dirs: ReturnType<typeof directories> }> {
  const dirs = directories();
  const bench = await startBench(
    runVolumeBinder,
    runStorageProtection,
    localPathProvisioner({ dir: "/volumes" }, dirs),
  );
  for (const [name, volumeBindingMode] of [
    ["local", "WaitForFirstConsumer"],
    ["now", "Immediate"],
  ] as const) {
    await bench.client.storageClasses.create(undefined, {
      metadata: { name },
      provisioner,
      reclaimPolicy: "Delete",
      volumeBindingMode,
    });
  }
  await bench.client.nodes.create(undefined, {
    metadata: { name: "node-1", labels: { "kubernetes.io/hostname": "host-1" } },
  });
  await bench.settle();
  return { ...bench, dirs };
}
const volumeOf = (bench: Bench, name: string) => bench.client.persistentVolumes.get(undefined, name);
const claimOf = (bench: Bench, name: string) => bench.client.persistentVolumeClaims.get("default", name);
const makeVolume = (bench: Bench, each: PersistentVolume) =>
  bench.client.persistentVolumes.create(undefined, each);
const makeClaim = (bench: Bench, each: PersistentVolumeClaim) =>
  bench.client.persistentVolumeClaims.create("default", each);

test("binds the smallest volume that fits, and both say so", async () => {
  const bench = await start();
  await makeVolume(bench, volume("large", "10Gi"));
  await makeVolume(bench, volume("small", "1Gi"));
  await makeVolume(bench, volume("tiny", "1Mi"));
  await bench.settle();
  assert.equal((await volumeOf(bench, "small")).status?.phase, "Available");
  await makeClaim(bench, claim("data", "500Mi"));
  await bench.settle();
  const bound = await claimOf(bench, "data");
  assert.deepEqual([bound.spec?.volumeName, bound.status?.phase], ["small", "Bound"]);
  assert.deepEqual(bound.status?.capacity, { storage: "1Gi" });
  assert.equal(bound.metadata?.annotations?.["pv.kubernetes.io/bind-completed"], "yes");
  const small = await volumeOf(bench, "small");
  assert.deepEqual([small.status?.phase, small.spec?.claimRef?.name], ["Bound", "data"]);
  assert.equal((await volumeOf(bench, "large")).status?.phase, "Available");

  await bench.client.persistentVolumeClaims.delete("default", "data");
  await bench.settle();
  assert.equal((await volumeOf(bench, "small")).status?.phase, "Released", "Retain keeps it for its owner");
  await bench.stop();
});

test("a claim waits for a volume; a promise made beforehand is kept", async () => {
  const bench = await start();
  await makeClaim(bench, claim("later", "1Gi"));
  await makeClaim(bench, claim("chosen", "1Gi"));
  await bench.settle();
  assert.equal((await claimOf(bench, "later")).status?.phase, "Pending");
  await makeVolume(bench, volume("v", "5Gi", { claimRef: { namespace: "default", name: "chosen" } }));
  await bench.settle();
  assert.equal((await claimOf(bench, "chosen")).spec?.volumeName, "v");
  assert.equal((await claimOf(bench, "later")).status?.phase, "Pending");
  const events = (await bench.client.events.list("default")).items.map((event) => event.message);
  assert.ok(events.includes("no persistent volumes available for this claim and no storage class is set"));
  await bench.stop();
});

test("a claim and a volume that name one another are bound, also where they would not have been matched", async () => {
  const bench = await start();
  const promised = volume("promised", "1Gi", { claimRef: { namespace: "default", name: "c" } });
  await makeVolume(bench, promised);
  await makeVolume(bench, volume("free", "1Gi"));
  await makeClaim(bench, claim("c", "2Gi", { volumeName: "promised", storageClassName: "local" }));
  await makeClaim(bench, claim("d", "2Gi", { volumeName: "free" }));
  await bench.settle();
  assert.equal((await claimOf(bench, "c")).status?.phase, "Bound");
  assert.equal((await volumeOf(bench, "promised")).status?.phase, "Bound");
  assert.equal((await claimOf(bench, "d")).status?.phase, "Pending");
  await bench.stop();
});

test("two claims, one volume: one gets it", async () => {
  const bench = await start();
  await Promise.all([makeClaim(bench, claim("a", "1Gi")), makeClaim(bench, claim("b", "1Gi"))]);
  await makeVolume(bench, volume("v", "1Gi"));
  await bench.settle();
  const phases = [(await claimOf(bench, "a")).status?.phase, (await claimOf(bench, "b")).status?.phase];
  assert.deepEqual(phases.sort(), ["Bound", "Pending"]);
  await bench.stop();
});

test("provisions on the node the scheduler chose, and removes the directory with the claim", async () => {
  const bench = await start();
  await makeClaim(bench, claim("data", "1Gi", { storageClassName: "local" }));
  await bench.settle();
  assert.equal((await claimOf(bench, "data")).status?.phase, "Pending");
  assert.deepEqual(bench.dirs.made, []);
  await bench.client.persistentVolumeClaims.patch("default", "data", "merge", {
    metadata: { annotations: { "volume.kubernetes.io/selected-node": "node-1" } },
  });
  await bench.settle();
  const bound = await claimOf(bench, "data");
  assert.equal(bound.status?.phase, "Bound");
  const made = await volumeOf(bench, bound.spec?.volumeName ?? "");
  assert.equal(made.status?.phase, "Bound");
  assert.deepEqual(bench.dirs.made, [made.spec?.local?.path]);
  const [term] = made.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  assert.deepEqual(term?.matchExpressions?.[0]?.values, ["host-1"]);

  await bench.client.pods.create("default", {
    metadata: { name: "db" },
    spec: { containers, volumes: [{ name: "d", persistentVolumeClaim: { claimName: "data" } }] },
  });
  await bench.client.persistentVolumeClaims.delete("default", "data");
  await bench.settle();
  assert.ok((await claimOf(bench, "data")).metadata?.deletionTimestamp, "in use, it stays");
  await bench.client.pods.delete("default", "db");
  await bench.settle();
  await assert.rejects(claimOf(bench, "data"), (error) => isReason(error, "NotFound"));
  assert.deepEqual(names((await bench.client.persistentVolumes.list()).items), []);
  assert.deepEqual(bench.dirs.made, []);
  await bench.stop();
});

test("an immediate class does not wait for a pod", async () => {
  const bench = await start();
  await makeClaim(bench, claim("data", "1Gi", { storageClassName: "now" }));
  await bench.settle();
  assert.equal((await claimOf(bench, "data")).status?.phase, "Bound");
  await bench.stop();
});

test("a claim whose volume is taken away is lost", async () => {
  const bench = await start();
  await makeVolume(bench, volume("v", "1Gi"));
  await makeClaim(bench, claim("data", "1Gi"));
  await bench.settle();
  await bench.client.persistentVolumes.patch(undefined, "v", "merge", { metadata: { finalizers: null } });
  await bench.client.persistentVolumes.delete(undefined, "v");
  await bench.settle();
  await bench.client.persistentVolumes
    .patch(undefined, "v", "merge", { metadata: { finalizers: null } })
    .catch(() => {});
  await bench.settle();
  assert.equal((await claimOf(bench, "data")).status?.phase, "Lost");
  await bench.stop();
});

test("what a claim accepts", () => {
  const available = (each: PersistentVolume): PersistentVolume => ({
    ...each,
    status: { phase: "Available" },
  });
  const find = (wanted: PersistentVolumeClaim, ...all: PersistentVolume[]) =>
    findVolume(wanted, all.map(available), false)?.metadata?.name;
  const labeled = { ...volume("labeled", "2Gi"), metadata: { name: "labeled", labels: { tier: "gold" } } };
  assert.equal(
    find(claim("c", "1Gi", { selector: { matchLabels: { tier: "gold" } } }), volume("v", "1Gi"), labeled),
    "labeled",
  );
  assert.equal(find(claim("c", "1Gi", { accessModes: ["ReadWriteMany"] }), volume("v", "1Gi")), undefined);
  assert.equal(find(claim("c", "1Gi", { volumeMode: "Block" }), volume("v", "1Gi")), undefined);
  assert.equal(find(claim("c", "1Gi", { storageClassName: "fast" }), volume("v", "1Gi")), undefined);
  assert.equal(find(claim("c", "2Gi"), volume("v", "1Gi")), undefined);
});

test("only directories of our own making are removed", () => {
  const good: PersistentVolume = {
    metadata: { name: "pvc-u1", annotations: { "pv.kubernetes.io/provisioned-by": provisioner } },
    spec: {
      claimRef: { namespace: "default", name: "data", uid: "u1" },
      local: { path: "/volumes/pvc-u1_default_data" },
    },
  };
  assert.equal(pathToRemove(good, "/volumes"), "/volumes/pvc-u1_default_data");
  const evil = (spec: PersistentVolume["spec"], name = "pvc-u1") =>
    pathToRemove(
      { ...good, metadata: { ...good.metadata, name }, spec: { ...good.spec, ...spec } },
      "/volumes",
    );
  assert.equal(evil({ local: { path: "/etc" } }), undefined);
  assert.equal(evil({ claimRef: { namespace: "..", name: "x/../..", uid: "u1" } }), undefined);
  assert.equal(evil({}, "pvc-u2"), undefined);
});

test("an attributes class stays while a claim has it", async () => {
  const bench = await start();
  const classes = bench.client.resource<VolumeAttributesClass>(
    "storage.k8s.io",
    "v1",
    "volumeattributesclasses",
  );
  for (const name of ["used", "idle"]) {
    await classes.create(undefined, {
      metadata: { name },
      driverName: "d.example.com",
      parameters: { a: "b" },
    });
  }
  await makeClaim(bench, claim("holds", "1Gi", { volumeAttributesClassName: "used" }));
  await bench.settle();
  for (const name of ["used", "idle"]) await classes.delete(undefined, name);
  await bench.settle();
  const left = async () => (await classes.list()).items.map((each) => each.metadata?.name);
  assert.deepEqual(await left(), ["used"]);
  await bench.client.persistentVolumeClaims.delete("default", "holds");
  await bench.settle();
  assert.deepEqual(await left(), []);
  await bench.stop();
});
