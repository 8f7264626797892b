import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, StatefulSet } from "../../api/index.ts";
import { actAsNode, type Bench, names, startBench, template } from "../testing/bench.ts";
import { runStatefulSets } from "./index.ts";

const sets = (bench: Bench) => bench.client.resource<StatefulSet>("apps", "v1", "statefulsets");
const get = (bench: Bench) => sets(bench).get("default", "db");
const pods = async (bench: Bench) => names((await bench.client.pods.list("default")).items);
const imageOf = async (bench: Bench, name: string) =>
  (await bench.client.pods.get("default", name)).spec?.containers[0]?.image;
const patch = (bench: Bench, spec: object) => sets(bench).patch("default", "db", "merge", { spec });

async function started(more: Partial<NonNullable<StatefulSet["spec"]>> = {}): Promise<Bench> {
  const bench = await startBench(runStatefulSets);
  await sets(bench).create("default", {
    metadata: { name: "db" },
    spec: {
      replicas: 3,
      serviceName: "db",
      selector: { matchLabels: { app: "db" } },
      template: template("db"),
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        },
      ],
      ...more,
    },
  });
  await bench.settle();
  return bench;
}
async function rounds(bench: Bench, count: number, ready?: (pod: Pod) => boolean): Promise<void> {
  for (let i = 0; i < count; i++) await actAsNode(bench, ready ? { ready } : {});
}

test("one after the other, each with its name and claim; down in reverse, claims stay", async () => {
  const bench = await started();
  assert.deepEqual(await pods(bench), ["db-0"]);
  await rounds(bench, 1, () => false);
  assert.deepEqual(await pods(bench), ["db-0"], "an unready pod halts");
  await rounds(bench, 1);
  assert.deepEqual(await pods(bench), ["db-0", "db-1"]);
  await rounds(bench, 3);
  assert.deepEqual(await pods(bench), ["db-0", "db-1", "db-2"]);
  const last = await bench.client.pods.get("default", "db-2");
  assert.deepEqual([last.spec?.hostname, last.spec?.subdomain], ["db-2", "db"]);
  assert.equal(last.spec?.volumes?.[0]?.persistentVolumeClaim?.claimName, "data-db-2");
  assert.equal(last.metadata?.labels?.["apps.kubernetes.io/pod-index"], "2");
  assert.deepEqual(
    [(await get(bench)).status?.readyReplicas, (await get(bench)).status?.currentReplicas],
    [3, 3],
  );

  await patch(bench, { replicas: 1 });
  await bench.settle();
  const leaving = (await bench.client.pods.list("default")).items.filter(
    (pod) => pod.metadata?.deletionTimestamp,
  );
  assert.deepEqual(names(leaving), ["db-2"]);
  await rounds(bench, 4);
  assert.deepEqual(await pods(bench), ["db-0"]);
  assert.equal((await bench.client.persistentVolumeClaims.list("default")).items.length, 3);
});

test("parallel: all at once", async () => {
  const bench = await started({ podManagementPolicy: "Parallel" });
  assert.deepEqual(await pods(bench), ["db-0", "db-1", "db-2"]);
});

test("a rolling update goes from the highest number down and swaps the revisions", async () => {
  const bench = await started();
  await rounds(bench, 4);
  const before = (await get(bench)).status;
  assert.equal(before?.currentRevision, before?.updateRevision);
  await patch(bench, { template: template("db", "web:2") });
  await bench.settle();
  assert.equal(await imageOf(bench, "db-1"), "web:1");
  await rounds(bench, 2);
  assert.deepEqual([await imageOf(bench, "db-0"), await imageOf(bench, "db-2")], ["web:1", "web:2"]);
  assert.notEqual((await get(bench)).status?.currentRevision, (await get(bench)).status?.updateRevision);
  await rounds(bench, 8);
  assert.equal(await imageOf(bench, "db-0"), "web:2");
  const after = (await get(bench)).status;
  assert.equal(after?.currentRevision, after?.updateRevision);
  assert.equal(after?.currentReplicas, 3);

  // Back again: the old revision is used once more.
  await patch(bench, { template: template("db", "web:1") });
  await rounds(bench, 10);
  assert.equal((await get(bench)).status?.currentRevision, before?.currentRevision);
});

test("a partition keeps the lower numbers, also when one is deleted", async () => {
  const bench = await started();
  await rounds(bench, 4);
  await patch(bench, {
    template: template("db", "web:2"),
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } },
  });
  await rounds(bench, 4);
  assert.equal(await imageOf(bench, "db-2"), "web:2");
  await bench.client.pods.delete("default", "db-0");
  await rounds(bench, 4);
  assert.deepEqual([await imageOf(bench, "db-0"), await imageOf(bench, "db-1")], ["web:1", "web:1"]);
});

test("a failed pod is made again", async () => {
  const bench = await started({ replicas: 1 });
  await rounds(bench, 1);
  const first = await bench.client.pods.get("default", "db-0");
  await bench.client.pods.patch(
    "default",
    "db-0",
    "merge",
    { status: { phase: "Failed" } },
    { subresource: "status" },
  );
  await rounds(bench, 2);
  const second = await bench.client.pods.get("default", "db-0");
  assert.notEqual(second.metadata?.uid, first.metadata?.uid);
});
