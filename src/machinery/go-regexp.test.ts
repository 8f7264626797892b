import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRegexp, type GoRegexp, regexpProblem } from "./go-regexp.ts";

function compiled(pattern: string): GoRegexp {
  const made = compileRegexp(pattern);
  assert.ok(typeof made !== "string", String(made));
  return made;
}

const first = (regexp: GoRegexp, text: string): string | undefined => [...regexp.all(text, 1)][0];

test("what Go finds is found", () => {
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
    ["\\p{Uppercase_Letter}\\p{ lower-case letter }", "aÄb", "Äb"],
    ["\\p{Letter}\\p{Old_Italic}", "a\u{10300}", "a\u{10300}"],
    ["\\p{olditalic}\\p{Letter}", "\u{10300}a", "\u{10300}a"],
    ["\\p{Linear_A}\\p{sign writing}\\p{Letter}", "\u{10600}\u{1d800}a", "\u{10600}\u{1d800}a"],
    ["\\p{greek}\\pl", "aγδ", "γδ"],
    ["[\\p{^ASCII}x]+", "aäxb", "äx"],
    ["\\p{ascii}+", "äab", "ab"],
    ["\\Q\\p{letter}\\E\\\\p{1}", "\\p{letter}\\p", "\\p{letter}\\p"],
    ["[:\\p{digit}:][]\\p{ASCII}]", "1]", "1]"],
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
    assert.equal(regexp.test(text), found !== undefined, pattern);
  }
});

test("all matches: nothing right behind another match is none", () => {
  assert.deepEqual([...compiled("a*").all("baaac")], ["", "aaa", ""]);
  assert.deepEqual([...compiled("a").all("aaaa", 2)], ["a", "a"]);
  assert.deepEqual([...compiled("").all("a\u{1f600}")], ["", "", ""]);
});

test("no pattern makes a search wait for ever", () => {
  // All letters of the patterns are in it, or there would be nothing to search.
  const text = `xb${"a".repeat(50_000)}!`;
  const patterns = [
    "(\\pL+)+$",
    "(?i)(a+)+$",
    "((a|a)*)*x$",
    "((a{0,30}){0,30})b$",
    `${"a?".repeat(64)}${"a".repeat(64)}$`,
  ];
  for (const pattern of patterns) assert.equal(compiled(pattern).test(text), false, pattern);
});

test("patterns that Go does not take, in its words", () => {
  const problems: [pattern: string, problem: string][] = [
    ["(", "missing closing ): `(`"],
    ["a)", "unexpected ): `a)`"],
    ["a(?=b)", "invalid or unsupported Perl syntax: `(?=`"],
    ["a**", "invalid nested repetition operator: `**`"],
    ["*a", "missing argument to repetition operator: `*`"],
    ["[z-a]", "invalid character class range: `z-a`"],
    ["[a", "missing closing ]: `[a`"],
    ["\\y", "invalid escape sequence: `\\y`"],
    ["a\\", "trailing backslash at end of expression: ``"],
    ["a{1001}", "invalid repeat count: `{1001}`"],
    ["((a{10}){10}){11}", "invalid repeat count: `{11}`"],
  ];
  for (const [pattern, problem] of problems)
    assert.equal(regexpProblem(pattern), `error parsing regexp: ${problem}`);
  const large = regexpProblem(`(${"(ab){50}".repeat(3000)}){20}`);
  assert.ok(large?.startsWith("error parsing regexp: expression too large"));
  const deep = regexpProblem(`${"(".repeat(1001)}${")".repeat(1001)}`);
  assert.ok(deep?.startsWith("error parsing regexp: expression nests too deeply"));
});

test("patterns that Go takes", () => {
  for (const pattern of [
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    "\\d+(\\.\\d{1,3})?",
    "(?i)^(?P<a>x|y)??$",
    "[]a]",
    "[^]-]",
    "[[:alpha:]_\\-.]+",
    "\\p{L}\\pN\\p{Greek}",
    "a{,2}",
    "^\\/[^/]+$",
    "",
  ])
    assert.equal(regexpProblem(pattern), undefined, pattern);
});

test("counts are in the size", () => {
  assert.ok(compiled("(ab){100}").size > 10 * compiled("(ab){2}").size);
});
