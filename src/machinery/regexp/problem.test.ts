import assert from "node:assert/strict";
import { test } from "node:test";
import { regexpProblem } from "./go-regexp.ts";

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
  ];
  for (const [pattern, problem] of problems)
    assert.equal(regexpProblem(pattern), `error parsing regexp: ${problem}`);
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
