import assert from "node:assert/strict";
import { test } from "node:test";
import { startBench } from "../testing/bench.ts";
import { runNodeTtl } from "./index.ts";
import { secondsOf, stepAfter } from "./steps.ts";

test("the time grows with the number of nodes, and shrinks later than it grew", () => {
  let step = 0;
  const after = (nodes: number): number => secondsOf((step = stepAfter(step, nodes)));
  assert.deepEqual([1, 100, 101, 95, 90, 89, 0].map(after), [0, 0, 15, 15, 15, 0, 0]);
  assert.deepEqual([501, 450, 449].map(after), [30, 30, 15]);
  assert.deepEqual([1001, 2001, 10_000, 1799, 1].map(after), [60, 300, 300, 60, 0]);
});

test("nodes are annotated, also again", async () => {
  const bench = await startBench(runNodeTtl);
  const ttl = async (): Promise<string | undefined> =>
    (await bench.client.nodes.get(undefined, "a")).metadata?.annotations?.["node.alpha.kubernetes.io/ttl"];
  await bench.client.nodes.create(undefined, { metadata: { name: "a", annotations: { other: "x" } } });
  await bench.clock.run(1000);
  assert.equal(await ttl(), "0");
  await bench.client.nodes.patch(undefined, "a", "merge", {
    metadata: { annotations: { "node.alpha.kubernetes.io/ttl": "7" } },
  });
  await bench.clock.run(1000);
  assert.equal(await ttl(), "0");
  await bench.stop();
});
