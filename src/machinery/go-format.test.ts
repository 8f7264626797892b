import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExact } from "./exact-json.ts";
import { goFloat, goQuote, goText } from "./go-format.ts";

test("texts are quoted as Go quotes them", () => {
  for (const [text, quoted] of [
    ["plain", '"plain"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ["a\u0007\tb\u0001", '"a\\a\\tb\\x01"'],
    ["é<&>", '"é<&>"'],
    ["\u200b\u{e0001}", '"\\u200b\\U000e0001"'],
  ] as const)
    assert.equal(goQuote(text), quoted);
});

test("decoded JSON is printed as Go prints maps and slices", () => {
  assert.equal(goText({ b: [1, "x", null, true], a: { c: 1.5 } }), "map[a:map[c:1.5] b:[1 x <nil> true]]");
  assert.equal(goText(1e21), "1e+21");
  assert.equal(goText(0.00001), "1e-05");
  assert.equal(goText(1234567.5), "1.2345675e+06");
  assert.equal(
    goText(parseExact('{"a":2000000,"b":2000000.0,"c":[3.0,123456.0]}')),
    "map[a:2000000 b:2e+06 c:[3 123456]]",
  );
});

test("floating-point numbers are printed as Go prints them", () => {
  const written: [number, string][] = [
    [0, "0"],
    [-1, "-1"],
    [21847, "21847"],
    [999999, "999999"],
    [1e6, "1e+06"],
    [3620864, "3.620864e+06"],
    [0.00102639, "0.00102639"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [4.7468674592629655e-5, "4.7468674592629655e-05"],
    [72.66570333, "72.66570333"],
    [656185001526, "6.56185001526e+11"],
    [2 ** 64, "1.8446744073709552e+19"],
    [123456.5, "123456.5"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NaN, "NaN"],
  ];
  for (const [value, text] of written) assert.equal(goFloat(value), text);
});
