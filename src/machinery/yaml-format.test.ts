import assert from "node:assert/strict";
import { test } from "node:test";
import { compareYamlKeys, formatYaml } from "./yaml-format.ts";

// What stands on the right was written by Go's yaml.v2.
const cases: readonly (readonly [unknown, string])[] = [
  [
    { a: "1", y: "yes", t: "2026-01-01T00:00:00Z", m: "0644" },
    'a: "1"\nm: "0644"\nt: "2026-01-01T00:00:00Z"\n"y": "yes"\n',
  ],
  [
    { t: "2026-13-01", u: "1e3", v: "1:30", w: "0o17", x: "1_000" },
    't: 2026-13-01\nu: "1e3"\nv: "1:30"\nw: "0o17"\nx: "1_000"\n',
  ],
  [{ ".": {}, "f:a": [], "k:{}": null }, ".: {}\nf:a: []\nk:{}: null\n"],
  [{ l: ["x", ["y", "z"], { b: 1, a: true }] }, 'l:\n- x\n- - "y"\n  - z\n- a: true\n  b: 1\n'],
  [
    { a: "x: y", b: "it's", c: "'q'", d: " lead", e: "#no", f: "a #b", g: "" },
    "a: 'x: y'\nb: it's\nc: '''q'''\nd: ' lead'\ne: '#no'\nf: 'a #b'\ng: \"\"\n",
  ],
  [
    { a: "one\ntwo", b: "one\n", c: "one\n\n", d: " one\n", e: "tab\t", f: "end \n" },
    'a: |-\n  one\n  two\nb: |\n  one\nc: |+\n  one\n\nd: |2\n   one\ne: "tab\\t"\nf: "end \\n"\n',
  ],
  [
    { n: 1.5, big: 1e20, i: -3, e: 1234567.5, long: 9223372036854775807n },
    'big: 1e+20\ne: 1.2345675e+06\ni: -3\nlong: 9223372036854775807\n"n": 1.5\n',
  ],
  [{ s: "😀", u: "é" }, 's: "\\U0001F600"\nu: é\n'],
];

test("texts, numbers, lists and maps are written as Go writes them", () => {
  for (const [value, text] of cases) assert.equal(formatYaml(value), text);
});

test("a text of more than 80 columns is folded at a space, in any style", () => {
  const long = `${"word ".repeat(20)}end`;
  const rows = (text: string): number[] => text.split("\n").map((row) => row.length);
  assert.equal(
    formatYaml({ a: { b: long } }),
    `a:\n  b: ${"word ".repeat(15)}word\n    ${"word ".repeat(4)}end\n`,
  );
  assert.deepEqual(rows(formatYaml({ a: `'${long}` })), [85, 26, 0]);
  assert.deepEqual(rows(formatYaml({ a: `\t${long}` })), [85, 26, 0]);
  assert.equal(formatYaml({ a: "x".repeat(100) }), `a: ${"x".repeat(100)}\n`);
});

test("a key that is long or has several lines stands behind a question mark", () => {
  const key = "k".repeat(129);
  assert.equal(formatYaml({ [key]: [1], "a\nb": 2 }), `? |-\n  a\n  b\n: 2\n? ${key}\n: - 1\n`);
});

test("keys are in the order of the numbers in them, letters after all else", () => {
  const keys = ["a10", "a2", "b", "A", "_", "f:a", ".", "a01", "a1", "a-1"];
  assert.deepEqual(keys.toSorted(compareYamlKeys), [
    ".",
    "_",
    "A",
    "a-1",
    "a1",
    "a01",
    "a2",
    "a10",
    "b",
    "f:a",
  ]);
});
