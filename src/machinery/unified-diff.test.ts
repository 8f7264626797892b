import assert from "node:assert/strict";
import { test } from "node:test";
import { unifiedDiff } from "./unified-diff.ts";

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i));

test("equal texts have no difference", () => assert.equal(unifiedDiff("a\nb", "a\nb"), ""));

test("three lines of context, far changes in groups of their own", () => {
  const left = numbers(1, 20);
  const right = left.map((line) => (line === "2" ? "two" : line === "18" ? "eighteen" : line));
  assert.equal(
    unifiedDiff(left.join("\n"), right.join("\n")),
    "@@ -1,5 +1,5 @@\n 1\n-2\n+two\n 3\n 4\n 5\n@@ -15,6 +15,6 @@\n 15\n 16\n 17\n-18\n+eighteen\n 19\n 20\n",
  );
});

test("what is only on one side", () => {
  assert.equal(unifiedDiff("a", "a\nb"), "@@ -1 +1,2 @@\n a\n+b\n");
  assert.equal(unifiedDiff("a\nb\nc", "a\nc"), "@@ -1,3 +1,2 @@\n a\n-b\n c\n");
});

test("the longest run is kept, not the first", () => {
  assert.equal(unifiedDiff("x\na\nb\nc", "a\nq\na\nb\nc"), "@@ -1,4 +1,5 @@\n-x\n+a\n+q\n a\n b\n c\n");
});

test("lines that are everywhere in a long text are no anchors", () => {
  const left = [...numbers(1, 3), ...Array<string>(5).fill("}")];
  const right = [...Array<string>(100).fill("}"), ...numbers(200, 320)];
  assert.equal(unifiedDiff(left.join("\n"), right.join("\n")).match(/^ /gm), null);
});
