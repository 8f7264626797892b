import assert from "node:assert/strict";
import { test } from "node:test";
import { Multimap } from "./multimap.ts";

test("values by key; a key without values is gone", () => {
  const map = new Multimap<string, number>();
  map.add("a", 1);
  map.add("a", 2);
  map.add("b", 1);
  assert.deepEqual([...map.get("a")], [1, 2]);
  assert.deepEqual([...map.get("c")], []);
  map.delete("a", 3);
  map.delete("c", 1);
  map.delete("a", 1);
  assert.deepEqual([[...map.get("a")], map.size], [[2], 2]);
  map.delete("a", 2);
  map.delete("b", 1);
  assert.equal(map.size, 0);
});
