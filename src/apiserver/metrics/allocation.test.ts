import assert from "node:assert/strict";
import { test } from "node:test";
import { poolFamilies } from "./allocation.ts";
import { MetricsRegistry } from "./registry.ts";

test("a pool that is gone is not asked any more, one that comes again is counted on", async () => {
  const registry = new MetricsRegistry();
  const families = poolFamilies(registry, "clusterip");
  const asked: string[] = [];
  const pool = (name: string) => () => {
    asked.push(name);
    return { taken: 1, size: 3 };
  };
  const first = families("10.0.0.0/24", pool("first"));
  first.allocated("static");
  await registry.text();
  first.end();
  families("10.0.0.0/24", pool("again")).allocated("static");
  const text = await registry.text();
  assert.deepEqual(asked, ["first", "again"]);
  assert.match(text, /allocation_total\{cidr="10\.0\.0\.0\/24",scope="static"\} 2/);
});
