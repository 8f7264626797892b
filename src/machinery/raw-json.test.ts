import assert from "node:assert/strict";
import { test } from "node:test";
import { cloneExact, parseExact } from "./exact-json.ts";
import {
  carryRaw,
  compactText,
  keepRawText,
  madeText,
  rawText,
  readRawTexts,
  sameRaw,
  stringifyRaw,
} from "./raw-json.ts";

const parsed = (text: string, paths: readonly string[]): Record<string, unknown> => {
  const object = parseExact(text) as Record<string, unknown>;
  readRawTexts(paths, object, text);
  return object;
};

test("texts are found by their paths, through lists, behind quoted brackets and names that are escaped", () => {
  const config = ["spec.config.parameters"];
  const text =
    '{"x":"{\\"[","spec":{"other":[{"a":"]"},[]], "config" : [ {"n":1}, {"par\\u0061meters": { "b":1.50,"b":"}\\\\" } } ]}}';
  const object = parsed(text, config);
  const spec = object["spec"] as { config: { parameters?: object }[] };
  assert.equal(rawText(spec.config[1]?.parameters), '{ "b":1.50,"b":"}\\\\" }');
  assert.equal(
    stringifyRaw(object),
    '{"x":"{\\"[","spec":{"other":[{"a":"]"},[]],"config":[{"n":1},{"parameters":{ "b":1.50,"b":"}\\\\" }}]}}',
  );
});

test("of a member that is there twice the last has the text, and what is no object has none", () => {
  assert.equal(stringifyRaw(parsed('{"data":{"a":1.0},"data":{"b":2.0}}', ["data"])), '{"data":{"b":2.0}}');
  assert.equal(stringifyRaw(parsed('{"data":1.0}', ["data"])), '{"data":1}');
});

test("a text ends no line", () => {
  const value = { a: 1 };
  keepRawText(value, '{\n\t"a":1\r\n}');
  assert.equal(rawText(value), '{  "a":1  }');
});

test("what was made anew is written as Go's encoder does: names in order, numbers in their usual form, no HTML", () => {
  const value = parseExact('{"b":1.50,"a":[1e3,12345678901234567890],"10":"<\\u2028&>","s":"\\/"}');
  assert.equal(
    madeText(value),
    '{"10":"\\u003c\\u2028\\u0026\\u003e","a":[1000,12345678901234567000],"b":1.5,"s":"/"}',
  );
  assert.equal(
    madeText(value, true),
    '{"10":"\\u003c\\u2028\\u0026\\u003e","a":[1e3,12345678901234567890],"b":1.50,"s":"/"}',
  );
});

test("a compact text has no white space outside of strings", () => {
  assert.equal(compactText(' { "a b" : "\\" , <" , "c":[ 1.50 ] }'), '{"a b":"\\" , \\u003c","c":[1.50]}');
});

test("other text is another object; copies are told the text of what they were copied from", () => {
  const one = parsed('{"data":{"a":1.0}}', ["data"]);
  const copy = cloneExact(one);
  assert.equal(sameRaw(["data"], one, copy), false);
  carryRaw(["data"], one, copy);
  assert.equal(sameRaw(["data"], one, copy), true);
  const changed = { data: { a: 2 } };
  carryRaw(["data"], one, changed);
  assert.equal(stringifyRaw(changed), '{"data":{"a":2}}');
});
