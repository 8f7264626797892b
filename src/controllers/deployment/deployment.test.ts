import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReplicaSet } from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import { runReplicaSets } from "../replicaset/index.ts";
import { actAsNode, type Bench, deployment, startBench, template } from "../testing/bench.ts";
import { runDeployments } from "./index.ts";

const sets = async (bench: Bench): Promise<ReplicaSet[]> =>
  (await bench.client.replicaSets.list("default")).items.sort(
    (a, b) => Number(a.metadata?.resourceVersion) - Number(b.metadata?.resourceVersion),
  );
const get = (bench: Bench) => bench.client.deployments.get("default", "web");
const condition = async (bench: Bench, type: string) =>
  (await get(bench)).status?.conditions?.find((each) => each.type === type);
const image = (bench: Bench, tag: string) =>
  bench.client.deployments.patch("default", "web", "merge", { spec: { template: template("web", tag) } });

async function rollOut(bench: Bench, rounds = 8): Promise<void> {
  for (let i = 0; i < rounds; i++) await actAsNode(bench);
}

async function started(more = {}, replicas = 4): Promise<Bench> {
  const bench = await startBench(runReplicaSets, runDeployments);
  await bench.client.deployments.create("default", deployment("web", replicas, more));
  await bench.settle();
  return bench;
}

test("makes a ReplicaSet named after the template's hash and becomes available", async () => {
  const bench = await started();
  const [set] = await sets(bench);
  const hash = set?.metadata?.labels?.["pod-template-hash"];
  assert.equal(set?.metadata?.name, `web-${hash}`);
  assert.equal(set?.spec?.selector.matchLabels?.["pod-template-hash"], hash);
  assert.equal((await condition(bench, "Available"))?.status, "False");
  await rollOut(bench, 2);
  const { status, metadata } = await get(bench);
  assert.equal(status?.availableReplicas, 4);
  assert.equal(metadata?.annotations?.["deployment.kubernetes.io/revision"], "1");
  assert.equal((await condition(bench, "Available"))?.reason, "MinimumReplicasAvailable");
  const progressing = await condition(bench, "Progressing");
  assert.equal(progressing?.reason, "NewReplicaSetAvailable");
  assert.equal(progressing?.message, `ReplicaSet "web-${hash}" has successfully progressed.`);
  const events = (await bench.client.events.list("default")).items.map((event) => event.message);
  assert.ok(events.includes(`Scaled up replica set web-${hash} from 0 to 4`));
  await bench.stop();
});

test("a rolling update keeps within its bounds and ends with the old set empty", async () => {
  const bench = await started({}, 8);
  await rollOut(bench, 2);
  await image(bench, "web:2");
  await bench.settle();
  for (let round = 0; round < 12; round++) {
    const all = await sets(bench);
    const total = all.reduce((sum, set) => sum + (set.spec?.replicas ?? 0), 0);
    assert.ok(total <= 10, `${total} pods wanted at once`);
    const available = (await get(bench)).status?.availableReplicas ?? 0;
    assert.ok(available >= 6, `${available} available`);
    await actAsNode(bench);
  }
  const all = await sets(bench);
  assert.deepEqual(all.map((set) => set.spec?.replicas).sort(), [0, 8]);
  const { status, metadata } = await get(bench);
  assert.equal(status?.updatedReplicas, 8);
  assert.equal(metadata?.annotations?.["deployment.kubernetes.io/revision"], "2");
  await bench.stop();
});

test("going back to an old template uses its set again, as a new revision", async () => {
  const bench = await started();
  await rollOut(bench, 2);
  await image(bench, "web:2");
  await rollOut(bench);
  await image(bench, "web:1");
  await rollOut(bench);
  const all = await sets(bench);
  assert.equal(all.length, 2);
  const used = all.find((set) => set.spec?.replicas === 4);
  assert.equal(used?.metadata?.annotations?.["deployment.kubernetes.io/revision"], "3");
  assert.equal(used?.metadata?.annotations?.["deployment.kubernetes.io/revision-history"], "1");
  await bench.stop();
});

test("Recreate waits for the last old pod before the first new one", async () => {
  const bench = await started({ strategy: { type: "Recreate" } }, 2);
  await rollOut(bench, 2);
  await image(bench, "web:2");
  await bench.settle();
  const pods = async () => (await bench.client.pods.list("default")).items;
  assert.ok((await pods()).every((pod) => pod.spec?.containers[0]?.image === "web:1"));
  assert.ok((await pods()).every((pod) => pod.metadata?.deletionTimestamp));
  await rollOut(bench, 3);
  assert.deepEqual(
    (await pods()).map((pod) => pod.spec?.containers[0]?.image),
    ["web:2", "web:2"],
  );
  await bench.stop();
});

test("paused, it scales but does not roll out; resumed, it does", async () => {
  const bench = await started();
  await rollOut(bench, 2);
  await bench.client.deployments.patch("default", "web", "merge", { spec: { paused: true } });
  await bench.settle();
  await image(bench, "web:2");
  await bench.client.deployments.patch("default", "web", "merge", { spec: { replicas: 5 } });
  await rollOut(bench, 2);
  assert.deepEqual(
    (await sets(bench)).map((set) => set.spec?.replicas),
    [5],
  );
  assert.equal((await condition(bench, "Progressing"))?.reason, "DeploymentPaused");
  await bench.client.deployments.patch("default", "web", "merge", { spec: { paused: false } });
  await rollOut(bench);
  assert.equal((await get(bench)).status?.updatedReplicas, 5);
  await bench.stop();
});

test("a rollout that gets stuck passes its deadline, and recovers", async () => {
  const bench = await started({ progressDeadlineSeconds: 60 }, 2);
  await rollOut(bench, 2);
  await image(bench, "web:broken");
  await bench.settle();
  for (let i = 0; i < 4; i++)
    await actAsNode(bench, { ready: (pod) => pod.spec?.containers[0]?.image !== "web:broken" });
  await bench.clock.run(62_000);
  const stuck = await condition(bench, "Progressing");
  assert.equal(stuck?.reason, "ProgressDeadlineExceeded");
  assert.equal(stuck?.status, "False");
  assert.match(stuck?.message ?? "", /^ReplicaSet "web-\w+" has timed out progressing\.$/);
  await image(bench, "web:1");
  await rollOut(bench);
  assert.equal((await condition(bench, "Progressing"))?.reason, "NewReplicaSetAvailable");
  await bench.stop();
});

test("scaled in the middle of a rollout, sets grow in proportion", async () => {
  const bench = await started({}, 10);
  await rollOut(bench, 2);
  await image(bench, "web:broken");
  await bench.settle();
  const ready = {
    ready: (pod: { spec?: { containers: { image?: string }[] } }) =>
      pod.spec?.containers[0]?.image === "web:1",
  };
  for (let i = 0; i < 4; i++) await actAsNode(bench, ready);
  assert.deepEqual((await sets(bench)).map((set) => set.spec?.replicas).sort(), [5, 8]);
  await bench.client.deployments.patch("default", "web", "merge", { spec: { replicas: 30 } });
  for (let i = 0; i < 4; i++) await actAsNode(bench, ready);
  const sizes = (await sets(bench)).map((set) => set.spec?.replicas ?? 0).sort((a, b) => a - b);
  // 30 wanted, 38 at most: 13 become 38, each set by the same factor (5 to 15, 8 to 23).
  assert.deepEqual(sizes, [15, 23]);
  await bench.stop();
});

test("revisions are 64-bit", async () => {
  const bench = await startBench(runReplicaSets, runDeployments);
  const seeded = "3546343826724305832";
  await bench.client.replicaSets.create("default", {
    metadata: {
      name: "web-old",
      labels: { app: "web" },
      annotations: { "deployment.kubernetes.io/revision": seeded },
    },
    spec: { replicas: 1, selector: { matchLabels: { app: "web" } }, template: template("web", "web:0") },
  });
  await bench.client.deployments.create("default", deployment("web", 1));
  await bench.settle();
  await rollOut(bench, 4);
  const { annotations } = (await get(bench)).metadata ?? {};
  assert.equal(annotations?.["deployment.kubernetes.io/revision"], "3546343826724305833");
  await bench.stop();
});

test("keeps as much history as it is told", async () => {
  const bench = await started({ revisionHistoryLimit: 2 }, 1);
  for (const tag of ["web:2", "web:3", "web:4", "web:5"]) {
    await image(bench, tag);
    await rollOut(bench, 5);
  }
  assert.equal((await sets(bench)).length, 3);
  await bench.stop();
});

test("a name that another template took counts as a collision", async () => {
  const bench = await startBench(runDeployments);
  let first = true;
  bench.api.intercept = async ({ method, path, body }) => {
    if (!first || method !== "POST" || !path.includes("replicasets")) return;
    first = false;
    const wanted = body as ReplicaSet;
    await bench.client.replicaSets.create("default", {
      metadata: { name: wanted.metadata?.name ?? "" },
      spec: { replicas: 0, selector: { matchLabels: { app: "other" } }, template: template("other") },
    });
  };
  await bench.client.deployments.create("default", deployment("web", 1));
  await bench.settle();
  assert.equal((await get(bench)).status?.collisionCount, 1);
  assert.equal((await sets(bench)).length, 2);
  await bench.stop();
});

test("a ReplicaSet that cannot be made shows in the condition", async () => {
  const bench = await startBench(runDeployments);
  bench.api.intercept = ({ method, path }) => {
    if (method === "POST" && path.includes("replicasets")) throw new StatusError("Forbidden", "no more");
  };
  await bench.client.deployments.create("default", deployment("web", 1));
  await bench.settle();
  const progressing = await condition(bench, "Progressing");
  assert.equal(progressing?.reason, "ReplicaSetCreateError");
  assert.match(progressing?.message ?? "", /^Failed to create new replica set "web-\w+": no more$/);
  await bench.stop();
});
