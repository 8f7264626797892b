import assert from "node:assert/strict";
import { test } from "node:test";
import { compareElements, compareText, elementText, keyElement, valueElement } from "./path-element.ts";

const names = [
  "",
  "a",
  "a ",
  "a!",
  "a#",
  "ab",
  "B",
  'q"',
  "back\\slash",
  "ä",
  "\u{1f600}",
  "\uffff",
  "10",
  "9",
];

const sign = (order: number): number => Math.sign(order);

test("items are ordered by the value of their key, whatever has to be escaped in it", () => {
  for (const a of names) {
    for (const b of names) {
      const order = sign(compareText(a, b));
      const message = JSON.stringify([a, b]);
      assert.equal(sign(compareElements(valueElement(a), valueElement(b))), order, message);
      const [left, right] = [a, b].map((name) => keyElement([["name", name]])) as [string, string];
      assert.equal(sign(compareElements(left, right)), order, message);
      const [first, second] = [a, b].map((name) =>
        keyElement([
          ["port", 80],
          ["name", name],
        ]),
      ) as [string, string];
      assert.equal(sign(compareElements(first, second)), order, message);
    }
  }
});

test("numbers are ordered as numbers, and before strings", () => {
  const port = (value: unknown): string =>
    keyElement([
      ["containerPort", value],
      ["protocol", "TCP"],
    ]);
  assert.ok(compareElements(port(9), port(10)) < 0);
  assert.ok(compareElements(port(8080), port(80)) > 0);
  assert.ok(compareElements(port(80), port("10")) < 0);
  assert.ok(compareElements(valueElement(9), valueElement(10)) < 0);
  assert.ok(compareElements(keyElement([["a", "x"]]), keyElement([["b", "a"]])) < 0);
  assert.ok(
    compareElements(
      keyElement([["a", "x"]]),
      keyElement([
        ["a", "x"],
        ["b", "y"],
      ]),
    ) < 0,
  );
});

test("steps in messages show their values as Go does", () => {
  for (const [value, text] of [
    ["\u0001ä", '"\\x01ä"'],
    [1.5, "1.5"],
    [{}, ""],
    [{ a: 1 }, "a=1"],
    [[1, "x"], '[1,"x"]'],
    [null, "null"],
  ] as const)
    assert.equal(elementText(keyElement([["p", value]])), `[p=${text}]`);
});
