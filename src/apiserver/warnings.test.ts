import assert from "node:assert/strict";
import { test } from "node:test";
import { warningHeader } from "./warnings.ts";

test("each warning is said once, quoted, in UTF-8", () => {
  assert.equal(warningHeader([]), undefined);
  assert.equal(warningHeader(["a", 'b "c" \\', "a"]), '299 - "a", 299 - "b \\"c\\" \\\\"');
  assert.equal(Buffer.from(warningHeader(["für 你"]) as string, "latin1").toString(), '299 - "für 你"');
});

test("what cannot stand in a header is left out", () => {
  assert.equal(warningHeader(["", "line\nbreak", "bell\u0085", "half \ud800", "good"]), '299 - "good"');
  assert.equal(warningHeader(["", "\t"]), undefined);
});

test("when they are too long together, each is cut; then nothing more is said", () => {
  const long = "x".repeat(3000);
  assert.equal(warningHeader([long]), `299 - "${long}"`);
  const cut = warningHeader([long, "short", `y${long}`, "z"]) as string;
  assert.equal(cut, `299 - "${"x".repeat(256)}", 299 - "short", 299 - "y${"x".repeat(255)}", 299 - "z"`);
  const many = warningHeader(Array.from({ length: 40 }, (_, i) => `${i}-${long}`)) as string;
  assert.equal(many.split(", ").length, 16);
});
