import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { expandWord, splitWords } from "./words.ts";

const variables = (name: string): string | undefined =>
  ({ x: "X", empty: "", path: "/a/b/c.tar.gz", y: "a b" })[name];

describe("expandWord", () => {
  const cases: [string, string][] = [
    ["plain", "plain"],
    ["$x", "X"],
    ["${x}y", "Xy"],
    ["$xy.", "."],
    ["\\$x", "$x"],
    ["'$x'", "$x"],
    ['"$x"', "X"],
    ['"a\\"b"', 'a"b'],
    ['"a\\nb"', "a\\nb"],
    ["a\\ b", "a b"],
    ["${nope:-d}", "d"],
    ["${empty:-d}", "d"],
    ["${empty-d}", ""],
    ["${x:+set}", "set"],
    ["${nope:+set}", ""],
    ["${empty+set}", "set"],
    ["${nope:-${x}}", "X"],
    ["${nope:-$nope}", ""],
    ["${path##*/}", "c.tar.gz"],
    ["${path#*/}", "a/b/c.tar.gz"],
    ["${path%.*}", "/a/b/c.tar"],
    ["${path%%.*}", "/a/b/c"],
    ["${path/b/B}", "/a/B/c.tar.gz"],
    ["${path//\\//-}", "-a-b-c.tar.gz"],
    ["$", "$"],
    ["é$x", "éX"],
  ];
  for (const [word, expected] of cases) {
    it(`${word} is ${JSON.stringify(expected)}`, () =>
      assert.equal(expandWord(word, variables, "\\"), expected));
  }

  it("refuses what is not closed and what is required", () => {
    for (const word of ["'a", '"a', "${x", "${x^^}", "${}"])
      assert.throws(() => expandWord(word, variables, "\\"), { name: "WordError" });
    assert.throws(() => expandWord("${nope:?tell me}", variables, "\\"), /nope: tell me/);
  });

  it("splits at blanks outside of quotes", () => {
    assert.deepEqual(splitWords("a 'b c' d\\ e \"f g\"h", "\\"), ["a", "'b c'", "d\\ e", '"f g"h']);
  });
});
