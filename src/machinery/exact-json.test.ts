import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cloneExact,
  copyWritten,
  parseExact,
  stringifyAsWritten,
  stringifyExact,
  writtenAs,
} from "./exact-json.ts";

test("whole numbers of 64 bits come back as they were", () => {
  for (const text of [
    '{"a":9007199254740993,"b":[-9223372036854775808,9223372036854775807],"c":{"d":12345678901234567}}',
    '{"a":1,"b":1.5,"c":"9007199254740993"}',
    "9007199254740993",
  ]) {
    assert.equal(stringifyExact(parseExact(text)), text);
  }
  assert.equal(stringifyExact({ a: 2n ** 62n }, 2), '{\n  "a": 4611686018427387904\n}');
});

test("what JavaScript holds exactly, and what 64 bits do not, is a number", () => {
  assert.deepEqual(
    parseExact("[9007199254740991,9223372036854775808,1e300,0.125]"),
    [9007199254740991, 9223372036854775808, 1e300, 0.125],
  );
});

/** What both readings have to agree on: all but how numbers were written. */
const oddTexts = [
  ' { "a" : [ 1.50 , -0 , true , false , null , "x\\"]}\\\\" , { } , [ ] ] , "b":\t{"c":\n1e5\r} } ',
  '{"a":1.50,"a":"s","b":{"a":1},"b":[2.0],"10":1,"2":1e1,"\\u0061":3}',
  '{"__proto__":{"x":1.0},"constructor":2.50,"":1e-7}',
  '[[[1e308,[1E+2]]],"\\ud83d\\ude00","\\ud83d","é😀",""]',
  "1.50",
  " -1e2 ",
];

test("what is read number by number is what JSON.parse reads", () => {
  for (const text of oddTexts) {
    const value = parseExact(text, true);
    assert.deepEqual(value, JSON.parse(text), text);
    assert.equal(JSON.stringify(value), JSON.stringify(JSON.parse(text)), text);
  }
});

test("of a member that is there twice, the number that came last is the one whose text is known", () => {
  assert.equal(stringifyAsWritten(parseExact('{"a":1.50,"a":2,"b":1,"b":2.0}')), '{"a":2,"b":2.0}');
});

test("mistakes are those of JSON", () => {
  assert.throws(() => parseExact('{"a":9007199254740993'), SyntaxError);
  const loop: Record<string, unknown> = {};
  loop.loop = loop;
  assert.throws(() => stringifyExact(loop), TypeError);
});

test("copies know how numbers were written where they are asked to, and a new number forgets it", () => {
  const text = '{"a":2.0,"b":[1e1]}';
  const copy = cloneExact(parseExact(text)) as { a: number };
  assert.equal(stringifyAsWritten(copy), text);
  const target: Record<string, unknown> = { c: copy.a };
  copyWritten(copy, "a", target, "c");
  assert.equal(stringifyAsWritten(target), '{"c":2.0}');
  copyWritten({}, "a", target, "c");
  assert.equal(writtenAs(target, "c"), undefined);
});
