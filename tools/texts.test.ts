import assert from "node:assert/strict";
import { test } from "node:test";
import { lineFeeds, textOf } from "./texts.ts";

test("of a text it is kept where its line feeds are, and nothing of a text that is another", () => {
  const known = "First.  Second: - a - b";
  const wanted = "First.\n\nSecond: - a\n- b";
  assert.deepEqual(lineFeeds(known, wanted), [6, 1, 12]);
  assert.equal(textOf(known, [6, 1, 12]), wanted);
  assert.deepEqual(lineFeeds(known, `${wanted}\n\nAnd more.`), [6, 1, 12]);
  for (const other of ["Something else, and longer than it was", "First.", known])
    assert.equal(lineFeeds(known, other), undefined);
  assert.equal(lineFeeds(undefined, "New."), undefined);
});
