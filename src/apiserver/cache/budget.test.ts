import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "./budget.ts";

test("what was added first goes first, and the newest stays however big it is", () => {
  const gone: string[] = [];
  const budget = new Budget<string>(
    10,
    (text) => text.length,
    (text) => gone.push(text),
  );
  budget.add("aaaa");
  budget.add("bbbb");
  assert.deepEqual(gone, []);
  budget.add("cccc");
  assert.deepEqual(gone, ["aaaa"]);
  budget.add("d".repeat(100));
  assert.deepEqual(gone, ["aaaa", "bbbb", "cccc"]);
});

test("it does not hold what it has forgotten", () => {
  let count = 0;
  const budget = new Budget<number>(
    100,
    () => 1,
    () => count++,
  );
  for (let i = 0; i < 10_000; i++) budget.add(i);
  assert.equal(count, 9_900);
});
