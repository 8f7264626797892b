import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "./slots.ts";

test("places that are free are used again, and nothing comes out twice", () => {
  const slots = new Slots<string>();
  const a = slots.add("a");
  const b = slots.add("b");
  assert.notEqual(a, b);
  assert.equal(slots.take(a), "a");
  assert.equal(slots.take(a), undefined);
  assert.equal(slots.take(17), undefined);
  assert.equal(slots.size, 1);
  const c = slots.add("c");
  assert.equal(c, a, "a place that came free is used again");
  assert.deepEqual([...slots].sort(), ["b", "c"]);
});

test("what is drained is there no more", () => {
  const slots = new Slots<string>();
  slots.take(slots.add("gone"));
  slots.add("a");
  slots.add("b");
  assert.deepEqual(slots.drain().sort(), ["a", "b"]);
  assert.equal(slots.size, 0);
  assert.deepEqual(slots.drain(), []);
});
