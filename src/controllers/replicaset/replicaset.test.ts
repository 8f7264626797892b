import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, ReplicationController } from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import { rankForDeletion } from "../pods/ranking.ts";
import { actAsNode, containers, replicaSet, startBench, startOn, template } from "../testing/bench.ts";
import { runReplicaSets, runReplicationControllers } from "./index.ts";

const list = async (bench: Awaited<ReturnType<typeof startBench>>): Promise<Pod[]> =>
  (await bench.client.pods.list("default")).items;

test("makes the pods, counts them, replaces one that is deleted, shrinks", async () => {
  const bench = await startBench(runReplicaSets);
  await bench.client.replicaSets.create("default", replicaSet("web", 30));
  await bench.settle();
  assert.equal((await list(bench)).length, 30);
  await actAsNode(bench);
  let set = await bench.client.replicaSets.get("default", "web");
  assert.equal(set.status?.readyReplicas, 30);
  assert.equal(set.status?.availableReplicas, 30);

  const [first] = await list(bench);
  await bench.client.pods.delete("default", first?.metadata?.name ?? "");
  await bench.settle();
  assert.equal((await list(bench)).length, 31, "replaced while the old one still ends");
  set = await bench.client.replicaSets.get("default", "web");
  assert.equal(set.status?.terminatingReplicas, 1);

  await bench.client.replicaSets.patch("default", "web", "merge", { spec: { replicas: 2 } });
  await bench.settle();
  await actAsNode(bench);
  assert.equal((await list(bench)).length, 2);
  const events = (await bench.client.events.list("default")).items;
  assert.ok(events.some((event) => /^Created pod: web-/.test(event.message ?? "")));
  await bench.stop();
});

test("labels decide: adopts what matches, releases what does not and replaces it", async () => {
  const bench = await startBench(runReplicaSets);
  await bench.client.pods.create("default", {
    metadata: { name: "orphan", labels: { app: "web" } },
    spec: { containers },
  });
  await bench.client.replicaSets.create("default", replicaSet("web", 2));
  await bench.settle();
  assert.equal((await list(bench)).length, 2);
  const adopted = await bench.client.pods.get("default", "orphan");
  assert.equal(adopted.metadata?.ownerReferences?.[0]?.name, "web");

  await bench.client.pods.patch("default", "orphan", "merge", { metadata: { labels: { app: "other" } } });
  await bench.settle();
  assert.equal((await list(bench)).length, 3);
  const released = await bench.client.pods.get("default", "orphan");
  assert.deepEqual(released.metadata?.ownerReferences ?? [], []);
  await bench.stop();
});

test("a refused pod is a ReplicaFailure until it is not refused any more", async () => {
  const bench = await startBench(runReplicaSets);
  bench.api.intercept = ({ method, path }) => {
    if (method === "POST" && path.includes("/pods")) throw new StatusError("Forbidden", "exceeded quota");
  };
  await bench.client.replicaSets.create("default", replicaSet("web", 3));
  await bench.settle();
  let set = await bench.client.replicaSets.get("default", "web");
  assert.deepEqual(
    set.status?.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message]),
    [["ReplicaFailure", "True", "FailedCreate", "exceeded quota"]],
  );
  bench.api.intercept = undefined;
  await bench.clock.run(60_000);
  set = await bench.client.replicaSets.get("default", "web");
  assert.deepEqual(set.status?.conditions ?? [], []);
  assert.equal(set.status?.replicas, 3);
  await bench.stop();
});

test("a cache that lags behind makes no pod twice", async () => {
  const bench = await startBench(runReplicaSets);
  let hold = Promise.withResolvers<void>();
  hold.resolve();
  // Pod watches stall: the controller sees its own creations late.
  bench.api.intercept = ({ method, path }) =>
    method === "GET" && path.startsWith("/api/v1/pods?") ? hold.promise : undefined;
  hold = Promise.withResolvers<void>();
  bench.api.endWatches();
  await bench.clock.run(100);
  await bench.client.replicaSets.create("default", replicaSet("web", 3));
  await bench.clock.run(100);
  await bench.client.replicaSets.patch("default", "web", "merge", { metadata: { labels: { touch: "1" } } });
  await bench.clock.run(100);
  await bench.client.replicaSets.patch("default", "web", "merge", { metadata: { labels: { touch: "2" } } });
  await bench.clock.run(100);
  hold.resolve();
  await bench.clock.run(20_000);
  const created = bench.api.calls.filter((call) => call.method === "POST" && call.path.includes("/pods"));
  assert.equal(created.length, 3);
  await bench.stop();
});

test("killed in the middle and started again, it carries on", async () => {
  const bench = await startBench();
  let left = 4;
  bench.api.intercept = ({ method, path }) => {
    if (method === "POST" && path.includes("/pods") && left-- <= 0) return new Promise(() => {});
    return undefined;
  };
  void startOn(bench.api, bench.clock, [runReplicaSets]);
  await bench.client.replicaSets.create("default", replicaSet("web", 10));
  await bench.settle();
  assert.equal((await list(bench)).length, 4);
  bench.api.intercept = undefined;
  const stop = await startOn(bench.api, bench.clock, [runReplicaSets]);
  await bench.settle();
  assert.equal((await list(bench)).length, 10);
  await stop();
});

test("a ReplicationController adopts by a plain map of labels and keeps its number", async () => {
  const bench = await startBench(runReplicationControllers);
  const controllers = bench.client.resource<ReplicationController>("", "v1", "replicationcontrollers");
  await bench.client.pods.create("default", {
    metadata: { name: "orphan", labels: { app: "web" } },
    spec: { containers },
  });
  await controllers.create("default", {
    metadata: { name: "web" },
    spec: { replicas: 3, selector: { app: "web" }, template: template("web") },
  });
  await bench.settle();
  await actAsNode(bench);
  assert.equal((await list(bench)).length, 3);
  const made = await controllers.get("default", "web");
  assert.equal(made.status?.readyReplicas, 3);
  const { metadata } = await bench.client.pods.get("default", "orphan");
  assert.equal(metadata?.ownerReferences?.[0]?.kind, "ReplicationController");
  await bench.stop();
});

test("who goes first", () => {
  const now = Date.parse("2026-01-01T01:00:00Z");
  const pod = (name: string, more: object = {}): Pod => ({
    metadata: { name, uid: name, creationTimestamp: "2026-01-01T00:00:00Z", ...more },
    spec: { ...template("web").spec, nodeName: "n1" },
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:10Z" }],
    },
  });
  const old = pod("old");
  const unplaced: Pod = { ...pod("unplaced"), spec: template("web").spec };
  const pending: Pod = { ...pod("pending"), status: { phase: "Pending" } };
  const notReady: Pod = { ...pod("not-ready"), status: { phase: "Running", conditions: [] } };
  const cheap = pod("cheap", { annotations: { "controller.kubernetes.io/pod-deletion-cost": "-5" } });
  const alone: Pod = { ...pod("alone"), spec: { ...template("web").spec, nodeName: "n2" } };
  const restarted: Pod = pod("restarted");
  restarted.status = {
    ...restarted.status,
    containerStatuses: [{ name: "c", image: "", imageID: "", ready: true, restartCount: 3 }],
  };
  const all = [alone, old, restarted, cheap, notReady, pending, unplaced];
  assert.deepEqual(
    rankForDeletion(all, all, now).map((each) => each.metadata?.name),
    ["unplaced", "pending", "not-ready", "cheap", "restarted", "old", "alone"],
  );
});
