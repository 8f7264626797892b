import assert from "node:assert/strict";
import { test } from "node:test";
import { textFact, textOf } from "./texts.ts";

test("a text is kept as what differs from the package's: line feeds, an end, or all of it", () => {
  const known = "First.  Second: - a - b";
  const cases: [string | undefined, string, unknown][] = [
    [known, "First.\n\nSecond: - a\n- b", [6, 1, 12]],
    [
      known,
      "First.  Second: - a - b\n\nPossible enum values:\n - `c`",
      ["\n\nPossible enum values:\n - `c`"],
    ],
    [known, "Something else", "Something else"],
    [undefined, "New.", "New."],
  ];
  for (const [ours, wanted, fact] of cases) {
    assert.deepEqual(textFact(ours, wanted), fact);
    assert.equal(textOf(ours, textFact(ours, wanted)), wanted);
  }
});
