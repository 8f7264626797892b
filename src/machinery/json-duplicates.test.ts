import assert from "node:assert/strict";
import { test } from "node:test";
import { duplicateMembers } from "./json-duplicates.ts";

test("repeated members are found at every depth, with their paths", () => {
  const cases: readonly (readonly [string, string[]])[] = [
    ["{}", []],
    ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}', []],
    ['{"a":1,"a":2}', ["a"]],
    [' { "a" : { "b" : [ 1 , { "c" : "x\\"}" , "c" : null } ] } , "a" : true } ', ["a.b[1].c", "a"]],
    ['{"\\u0061":1,"a":2}', ["a"]],
    ['{"a\\\\":1,"b":"\\\\","b":2}', ["b"]],
    ['{"a":1,"a":2,"a":3}', ["a"]],
    ['[[{"x":1,"x":1}]]', ["[0][0].x"]],
    ['"a"', []],
    ["-1.5e3", []],
  ];
  for (const [text, paths] of cases) {
    JSON.parse(text);
    assert.deepEqual(duplicateMembers(text), paths, text);
  }
});

test("an object with many members is looked through too", () => {
  const members = Array.from({ length: 500 }, (_, i) => `"k${i}":${i}`);
  assert.deepEqual(duplicateMembers(`{${members.join(",")}}`), []);
  assert.deepEqual(duplicateMembers(`{${members.join(",")},"k400":0,"k3":0}`), ["k400", "k3"]);
});

test("a text that is no JSON ends the scan all the same", () => {
  for (const text of ['{"a', '{"a":', "[1,", '{"a":1 "b"', "[", "{"]) duplicateMembers(text);
});
