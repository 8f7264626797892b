import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { compileRegexp, type GoRegexp } from "./go-regexp.ts";

function compiled(pattern: string): GoRegexp {
  const made = compileRegexp(pattern);
  assert.ok(typeof made !== "string", String(made));
  return made;
}

/** What is found by steps, without V8's engine. */
const inSteps = (regexp: GoRegexp, text: string): string | undefined => {
  const found = regexp.program.find(text, 0, false);
  return found && text.slice(found.start, found.end);
};

const first = (regexp: GoRegexp, text: string): string | undefined => [...regexp.all(text, 1)][0];

test("what Go finds is found, by V8's engine and in steps", () => {
  const cases: [pattern: string, text: string, found: string | undefined][] = [
    ["", "abc", ""],
    ["b+", "abbbc", "bbb"],
    ["b+?", "abbbc", "b"],
    ["a|ab", "ab", "a"],
    ["(?:a|ab)(?:c|bcd)", "abcd", "abcd"],
    ["x*", "baaa", ""],
    ["^a{2,3}$", "aaa", "aaa"],
    ["^a{2,3}$", "aaaa", undefined],
    ["a{2,}?", "aaaa", "aa"],
    ["(?i)straße|K", "STRAßE", "STRAßE"],
    ["(?i)k", "\u212a", "\u212a"],
    ["(?i)[^k]", "k", undefined],
    ["(?i:a)b", "Ab", "Ab"],
    ["(?i:a)b", "AB", undefined],
    ["a.b", "a\nb", undefined],
    ["(?s)a.b", "a\nb", "a\nb"],
    ["a.b", "a\rb", "a\rb"],
    ["(?m)^b$", "a\nb\nc", "b"],
    ["^b$", "a\nb\nc", undefined],
    ["\\Ab\\z", "b", "b"],
    ["\\bfoo\\b", "a foo b", "foo"],
    ["\\Boo", "foo", "oo"],
    ["\\s", "\v", undefined],
    ["[[:space:]]", "\v", "\v"],
    ["[^\\D5]", "x57", "7"],
    ["[]a-]+", "x]-a", "]-a"],
    ["[^a]", "\n", "\n"],
    ["\\pL+", "12äöü3", "äöü"],
    ["\\p{Greek}+", "abγδ", "γδ"],
    ["[\\P{L}]", "a1", "1"],
    ["\\x41\\x{1F600}\\101", "A\u{1f600}A", "A\u{1f600}A"],
    ["^.$", "\u{1f600}", "\u{1f600}"],
    ["\\Qa.b\\E+", "a.bb", "a.bb"],
    ["(?U)a+", "aaa", "a"],
    ["(?U)a+?", "aaa", "aaa"],
    ["(a*)*b", "aaab", "aaab"],
    ["(?P<n>a)(?<m>b)", "ab", "ab"],
    ["(|a)*", "aa", ""],
  ];
  for (const [pattern, text, found] of cases) {
    const regexp = compiled(pattern);
    assert.equal(first(regexp, text), found, pattern);
    assert.equal(inSteps(regexp, text), found, `${pattern}, in steps`);
    assert.equal(regexp.test(text), found !== undefined, pattern);
  }
});

test("all matches: nothing right behind another match is none", () => {
  assert.deepEqual([...compiled("a*").all("baaac")], ["", "aaa", ""]);
  assert.deepEqual([...compiled("a").all("aaaa", 2)], ["a", "a"]);
  assert.deepEqual([...compiled("").all("a\u{1f600}")], ["", "", ""]);
});

test("V8 searches only with what its engine of linear time takes", () => {
  setFlagsFromString("--enable-experimental-regexp-engine");
  const patterns = [
    "(a+)+$",
    "(?i)(a+)+$",
    "((a{0,30}){0,30})b",
    "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
    "\\bx\\B",
  ];
  for (const pattern of [...patterns, "(?i:x)|[^\\d]", "(a{17}|b{3,}?)*c"]) {
    const { quick } = compiled(pattern);
    // A flag of V8 alone; it throws where time would not be linear.
    const linear = "l";
    if (quick) new RegExp(quick.source, linear);
  }
  assert.ok(compiled("^[a-z]([-a-z0-9]*[a-z0-9])?(\\.[a-z]{1,3}){2}$").quick);
  for (const pattern of ["(\\pL+)+$", "(?i)(ä+)+$", "(?m)(a+$)+"])
    assert.equal(compiled(pattern).quick, undefined, pattern);
});

test("V8 makes no code for patterns of which it would have to make too much", () => {
  for (const pattern of ["a?".repeat(64) + "a".repeat(64), "(a?){500}a{500}", "(a{0,2}b?){5}"]) {
    const regexp = compiled(pattern);
    assert.equal(regexp.quick, undefined, pattern);
    assert.ok(regexp.test("a".repeat(600)), pattern);
  }
});

test("steps go with the length of the text, whatever a pattern nests", () => {
  for (const pattern of ["(\\pL+)+$", "(?m)((a|a)*)*$", "((\\pL{0,30}){0,30})b", "(?i)(\\pL?){500}ä{500}"]) {
    const { program, size } = compiled(pattern);
    const steps = (length: number): number => {
      const before = program.steps;
      program.find(`${"a".repeat(length)}!`, 0, true);
      return program.steps - before;
    };
    const short = steps(200);
    assert.ok(short <= 201 * 4 * size, `${pattern}: ${short} steps`);
    assert.ok(steps(400) < 2.2 * short, pattern);
  }
});

test("what grows too large is refused in Go's words", () => {
  const problems: [pattern: string, problem: string][] = [
    ["((a{10}){10}){11}", "invalid repeat count: `{11}`"],
    [`(${"(ab){50}".repeat(3000)}){20}`, "expression too large"],
    [`${"(".repeat(1001)}${")".repeat(1001)}`, "expression nests too deeply"],
  ];
  for (const [pattern, problem] of problems) {
    const made = compileRegexp(pattern);
    assert.ok(
      typeof made === "string" && made.startsWith(`error parsing regexp: ${problem}`),
      pattern.slice(0, 50),
    );
  }
  assert.ok(compiled(`${"(".repeat(900)}a${"+)".repeat(900)}`).size < 3000);
});
