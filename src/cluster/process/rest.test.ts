import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../testing/index.ts";
import { collectAtRest } from "./rest.ts";

const mib = 1024 * 1024;

test("what is not needed is given back at rest, where it is worth it and nobody has to wait long", () => {
  const clock = new FakeClock();
  const heap = { spent: 0, held: 100 * mib, collections: 0 };
  const resting = collectAtRest(clock, {
    processorMs: () => heap.spent,
    heldBytes: () => heap.held,
    collect() {
      heap.collections++;
      heap.held = 60 * mib;
    },
  });
  /** Ten seconds in which it works so long, and has so much then. */
  const after = (workedMs: number, held: number): number => {
    heap.spent += workedMs;
    heap.held = held;
    clock.advance(10_000);
    return heap.collections;
  };
  assert.equal(after(5000, 100 * mib), 0, "busy");
  assert.equal(after(100, 100 * mib), 1);
  assert.equal(after(100, 83 * mib), 1, "not worth it");
  assert.equal(after(100, 84 * mib), 2);
  assert.equal(after(100, 300 * mib), 2, "takes too long");
  resting.stop();
  assert.equal(after(100, 100 * mib), 2, "stopped");
});
