import assert from "node:assert/strict";
import { test } from "node:test";
import { duplicateMembers } from "./json-duplicates.ts";
import { countMembers, surveyJson } from "./json-survey.ts";

test("depth and members are counted outside of strings only", () => {
  const text = String.raw`{"a": [1, {"b": "}]:\"{[:", "c\\": {}}], "d": "\\\\"}`;
  assert.deepEqual(surveyJson(text), { depth: 4, members: 4, oddNumbers: false });
  assert.equal(countMembers(JSON.parse(text)), 4);
  assert.deepEqual(surveyJson('"a:b"'), { depth: 0, members: 0, oddNumbers: false });
});

test("a member that is there twice is counted once in what was parsed", () => {
  for (const text of [
    '{"a":1,"a":2}',
    '{"x":[{"y":{"a":1,"\\u0061":2}}]}',
    '{"__proto__":1,"__proto__":{}}',
  ]) {
    assert.equal(duplicateMembers(text).length, 1, text);
    assert.equal(surveyJson(text).members - countMembers(JSON.parse(text)), 1, text);
  }
});

test("numbers that need a closer look are told from those in strings and from short whole ones", () => {
  const odd = (text: string): boolean => surveyJson(text).oddNumbers;
  for (const text of [
    "1234567890123456",
    "[1.0]",
    '{"a":1e3}',
    "[-2E1]",
    '{"a":0.50}',
    "[1.]",
    "[0.0]",
    "[0.0000001]",
    "[1.5e0]",
    "[1234567890.123456]",
    "[12345678901234567890]",
  ]) {
    assert.ok(odd(text), text);
  }
  const plain = ["123456789012345", '"1.50"', '{"a":"12345678901234567890"}', "[-0,1,true,false,null]"];
  for (const text of [...plain, "[0.5,-1.5,0.000001]", "123456789.123456", '{"a":-20.01}'])
    assert.ok(!odd(text), text);
  for (const text of ["0.000001", "123456789.123456", "-20.01"]) assert.equal(String(Number(text)), text);
});

test("what is no JSON comes to an end", () => {
  for (const text of ["", '"', '{"a', String.raw`"\"`, "]]}", '{"a":"\\']) surveyJson(text);
});
