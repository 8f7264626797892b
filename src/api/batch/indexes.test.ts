import assert from "node:assert/strict";
import { test } from "node:test";
import { countIndexes, sharedIndex } from "./indexes.ts";

test("indexes are counted, and the first mistake is named", () => {
  for (const [text, wanted] of [
    ["", 0],
    ["0", 1],
    ["0,2-4", 4],
    ["+1", 1],
    ["4,3", "non-increasing order, previous: 4, current: 3"],
    ["2-2", "non-increasing order, previous: 2, current: 2"],
    ["0-5", 'too large index: "5"'],
    ["x", 'cannot convert string to integer for index: "x"'],
    ["-1", 'cannot convert string to integer for index: ""'],
    [
      "1-2-3",
      `the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by '-'`,
    ],
  ] as const) {
    const found = countIndexes(text, 5);
    assert.equal(found.problem ?? found.total, wanted, text);
  }
});

test("an index that completed and failed is found, past what cannot be read", () => {
  assert.equal(sharedIndex("0-2,4", "3,4", 5), 4);
  assert.equal(sharedIndex("x,1-3", "0,2", 5), 2);
  assert.equal(sharedIndex("0-1", "2", 5), undefined);
  assert.equal(sharedIndex("", "2", 5), undefined);
});
