import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodDisruptionBudget } from "../../api/index.ts";
import { isReason } from "../../machinery/index.ts";
import { runReplicaSets } from "../replicaset/index.ts";
import { actAsNode, replicaSet, startBench } from "../testing/bench.ts";
import { runDisruptionBudgets } from "./index.ts";

test("says how many pods may go; evictions use it up until replacements are ready", async () => {
  const bench = await startBench(runReplicaSets, runDisruptionBudgets);
  const { client } = bench;
  const budgets = client.resource<PodDisruptionBudget>("policy", "v1", "poddisruptionbudgets");
  await client.replicaSets.create("default", replicaSet("web", 4));
  await budgets.create("default", {
    metadata: { name: "web" },
    spec: { maxUnavailable: "25%", selector: { matchLabels: { app: "web" } } },
  });
  await bench.settle();
  let { status } = await budgets.get("default", "web");
  assert.deepEqual(
    [status?.expectedPods, status?.currentHealthy, status?.desiredHealthy, status?.disruptionsAllowed],
    [4, 0, 3, 0],
  );
  assert.equal(status?.conditions?.[0]?.reason, "InsufficientPods");
  await actAsNode(bench);
  assert.equal((await budgets.get("default", "web")).status?.disruptionsAllowed, 1);

  const [first, second] = (await client.pods.list("default")).items;
  const evict = (name = ""): Promise<unknown> =>
    client.pods.subresource("default", name, "eviction", "POST", {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name },
    });
  await evict(first?.metadata?.name);
  await assert.rejects(evict(second?.metadata?.name), (error) => isReason(error, "TooManyRequests"));
  await bench.settle();
  await actAsNode(bench);
  await actAsNode(bench);
  ({ status } = await budgets.get("default", "web"));
  assert.equal(status?.disruptionsAllowed, 1);
  assert.equal(status?.disruptedPods, undefined);
  assert.equal(status?.conditions?.[0]?.reason, "SufficientPods");
  await bench.stop();
});

test("pods without a controller can be counted only against a plain number", async () => {
  const bench = await startBench(runDisruptionBudgets);
  const budgets = bench.client.resource<PodDisruptionBudget>("policy", "v1", "poddisruptionbudgets");
  await bench.client.pods.create("default", {
    metadata: { name: "one", labels: { app: "web" } },
    spec: { containers: [{ name: "c", image: "i" }] },
  });
  await budgets.create("default", {
    metadata: { name: "web" },
    spec: { minAvailable: 0, selector: { matchLabels: { app: "web" } } },
  });
  await actAsNode(bench);
  assert.equal((await budgets.get("default", "web")).status?.disruptionsAllowed, 1);
  await bench.stop();
});
