import assert from "node:assert/strict";
import { test } from "node:test";
import { startBench } from "../testing/bench.ts";
import { nodeIpam } from "./index.ts";
import { freeRange } from "./ranges.ts";

test("the first range is taken that overlaps with none", () => {
  assert.equal(freeRange("10.64.0.0/16", []), "10.64.0.0/24");
  assert.equal(freeRange("10.64.0.0/16", ["10.64.1.0/24", "10.64.0.0/24", "fd00::/64"]), "10.64.2.0/24");
  assert.equal(freeRange("10.64.0.0/16", ["10.64.0.0/17"]), "10.64.128.0/24");
  assert.equal(freeRange("10.64.0.0/16", ["10.64.0.128/25", "10.65.0.0/16"]), "10.64.1.0/24");
  assert.equal(freeRange("192.168.254.0/23", ["192.168.255.0/24"]), "192.168.254.0/24");
  assert.equal(freeRange("192.168.254.0/23", ["192.168.254.0/23"]), undefined);
  assert.equal(freeRange("10.64.0.0/25", []), undefined);
});

test("nodes get ranges of their own, and who went without gets one that is given back", async () => {
  const bench = await startBench(nodeIpam("10.64.0.0/23"));
  const { nodes } = bench.client;
  const range = async (name: string): Promise<string | undefined> => {
    const { spec } = await nodes.get(undefined, name);
    assert.deepEqual(spec?.podCIDRs, spec?.podCIDR === undefined ? undefined : [spec.podCIDR]);
    return spec?.podCIDR;
  };
  await nodes.create(undefined, { metadata: { name: "a" }, spec: { podCIDR: "10.64.0.0/24" } });
  await nodes.create(undefined, { metadata: { name: "b" } });
  await nodes.create(undefined, { metadata: { name: "c" } });
  await bench.settle();
  assert.equal(await range("a"), "10.64.0.0/24");
  const [b, c] = [await range("b"), await range("c")];
  assert.deepEqual([b, c].sort(), ["10.64.1.0/24", undefined]);
  const events = await bench.client.events.list();
  assert.deepEqual(
    events.items.map(({ reason }) => reason),
    ["CIDRNotAvailable"],
  );
  await nodes.delete(undefined, "a");
  await bench.settle();
  assert.equal(await range(b === undefined ? "b" : "c"), "10.64.0.0/24");
  await bench.stop();
});
