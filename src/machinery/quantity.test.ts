import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addQuantity,
  canonicalQuantity,
  compareQuantity,
  formatQuantity,
  milliValue,
  parseQuantity,
  quantityValue,
  subQuantity,
} from "./quantity.ts";

test("canonical form is Kubernetes'", () => {
  const cases: readonly (readonly [string | number, string])[] = [
    ["0", "0"],
    ["0.5", "500m"],
    [1, "1"],
    [0.1, "100m"],
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["1024Mi", "1Gi"],
    ["1.5Gi", "1536Mi"],
    ["0.5Gi", "512Mi"],
    ["100Ki", "100Ki"],
    ["0.5Ki", "512"],
    ["1000Ki", "1000Ki"],
    ["1e3", "1e3"],
    ["1E6", "1E6"],
    ["1E7", "10e6"],
    ["1000k", "1M"],
    ["123456789", "123456789"],
    ["1000000", "1M"],
    ["0.1Mi", "104857600m"],
    ["1n", "1n"],
    ["0.1n", "1n"],
    ["-1.5", "-1500m"],
    ["+5", "+5"],
    ["+5000", "5k"],
    [".5", "500m"],
    ["5.", "5."],
    [".", "0"],
    ["1.500", "1.500"],
    ["1.50", "1500m"],
    ["1e0", "1e0"],
    ["8Ki", "8Ki"],
    ["00100", "00100"],
    ["001000", "1k"],
    ["9223372036854775808", "9223372036854775808"],
    ["1000E", "1"],
    ["1Ei", "1Ei"],
    ["16Ei", "9223372036854775807"],
  ];
  for (const [input, output] of cases) assert.equal(canonicalQuantity(input), output, String(input));
});

test("what is no quantity is refused with Kubernetes' text", () => {
  for (const text of ["", "abc", "1.2.3", "1 Gi"]) {
    assert.throws(
      () => parseQuantity(text),
      { name: "QuantityError", message: /must match the regular expression/ },
      text,
    );
  }
  for (const text of ["1mi", "1K", "1Mm", "1ki", "--1"])
    assert.throws(
      () => parseQuantity(text),
      { name: "QuantityError", message: "unable to parse quantity's suffix" },
      text,
    );
});

test("values round up", () => {
  assert.equal(quantityValue("1500m"), 2);
  assert.equal(quantityValue("128Mi"), 134217728);
  assert.equal(quantityValue("-1500m"), -2);
  assert.equal(milliValue("0.1"), 100);
  assert.equal(milliValue("1u"), 1);
  assert.equal(milliValue("2"), 2000);
});

test("sums, differences and order are exact, and printing does not change a value", () => {
  let seed = 3;
  const next = (limit: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % limit;
  };
  const suffixes = ["", "m", "k", "M", "G", "Ki", "Mi", "Gi"];
  for (let i = 0; i < 500; i++) {
    const a = `${next(5000)}.${next(1000)}${suffixes[next(suffixes.length)]}`;
    const b = `${next(5000)}${suffixes[next(suffixes.length)]}`;
    const sum = addQuantity(a, b);
    assert.equal(compareQuantity(subQuantity(sum, b), a), 0);
    assert.equal(parseQuantity(formatQuantity(sum)).nanos, sum.nanos, `${a} + ${b}`);
    assert.equal(Math.sign(compareQuantity(a, b)), -Math.sign(compareQuantity(b, a)));
  }
});
