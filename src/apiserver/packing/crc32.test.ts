import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { appended, shiftOf } from "./crc32.ts";

test("the sum of two texts comes out of their sums", () => {
  for (const [a, b] of [
    ["", ""],
    ["a", ""],
    ["", "b"],
    ["hello, ", "world"],
    ["x".repeat(100_001), "y".repeat(65_537)],
  ] as const) {
    assert.equal(
      appended(crc32(a), crc32(b), shiftOf(b.length)),
      crc32(a + b),
      `${a.length} and ${b.length}`,
    );
  }
});
