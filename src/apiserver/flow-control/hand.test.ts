import assert from "node:assert/strict";
import { test } from "node:test";
import { canDeal, dealHand, flowHash } from "./hand.ts";

test("a hand is as many different queues as it says, the same for the same flow", () => {
  for (let i = 0; i < 500; i++) {
    const hash = flowHash("schema", `user-${i}`);
    const hand = dealHand(hash, 64, 8);
    assert.equal(new Set(hand).size, 8);
    assert.ok(hand.every((card) => card >= 0 && card < 64));
    assert.deepEqual(dealHand(hash, 64, 8), hand);
  }
});

test("draws count the cards that are left", () => {
  // 0, then 0 of those left (1), then 0 of those left (2).
  assert.deepEqual(dealHand(0n, 5, 3), [0, 1, 2]);
  assert.deepEqual(dealHand(BigInt(2 + 5 * 2 + 20 * 2), 5, 3), [2, 3, 4]);
  assert.deepEqual(dealHand(BigInt(4 + 5 * 3 + 20 * 2), 5, 3), [4, 3, 2]);
});

test("every queue is in about as many hands", () => {
  const dealt = new Array<number>(16).fill(0);
  for (let i = 0; i < 4000; i++)
    for (const card of dealHand(flowHash("s", String(i)), 16, 4)) (dealt[card] as number)++;
  for (const count of dealt) assert.ok(Math.abs(count - 1000) < 150, String(count));
});

test("a hash has chance enough for hands of the default sizes, and not for any size", () => {
  assert.ok(canDeal(128, 6));
  assert.ok(canDeal(64, 8));
  assert.ok(canDeal(1, 1));
  assert.ok(!canDeal(4, 5));
  assert.ok(!canDeal(128, 9));
  assert.ok(!canDeal(8, 0));
});
