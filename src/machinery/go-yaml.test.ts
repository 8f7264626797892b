import assert from "node:assert/strict";
import { test } from "node:test";
import { GoYamlError, readYamlBody } from "./go-yaml.ts";

test("only the first document counts, and nothing is null", () => {
  assert.deepEqual(readYamlBody("a: 1\n---\na: 2\n").value, { a: 1 });
  assert.deepEqual(readYamlBody("---\na: 1\n").value, { a: 1 });
  for (const nothing of ["", "# c\n", "---\n"]) assert.equal(readYamlBody(nothing).value, null);
});

test("of a key that appears twice the last counts, and every repetition is named with its line", () => {
  assert.deepEqual(readYamlBody("m: {o: a}\na: b\na: c\nx:\n  z: 1\n  z: 2\n"), {
    value: { m: { o: "a" }, a: "c", x: { z: 2 } },
    duplicates: ['line 3: key "a" already set in map', 'line 6: key "z" already set in map'],
  });
});

test("mistakes are Go's", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["metadata:\n  name: a\n bad: x\n", "line 2: did not find expected key"],
    ["metadata: [\n", "line 1: did not find expected node content"],
    ["metadata:\n\tname: a", "line 2: found character that cannot start any token"],
    ["a: b: c", "mapping values are not allowed in this context"],
    ["a: 'x", "found unexpected end of stream"],
    ['key: "a\n', "line 2: found unexpected end of stream"],
    ["{", "line 1: did not find expected node content"],
    ["[1", "line 1: did not find expected ',' or ']'"],
    ["a: {b:", "line 1: did not find expected node content"],
    ["a: b\n c: d", "line 2: mapping values are not allowed in this context"],
    ['a: "\\q"', "found unknown escape character"],
    ["%YAML 1.2\n---\na: b", "found incompatible YAML document"],
    ["metadata: [", "line 1: did not find expected node content"],
    ["a: [1,\n", "line 1: did not find expected node content"],
    ["a: [1, 2", "line 1: did not find expected ',' or ']'"],
    ["x: y\na: {valid", "line 2: did not find expected ',' or '}'"],
    ["a: {b: c\nd: e", "line 1: did not find expected ',' or '}'"],
    ["- a\nb: c", "line 1: did not find expected '-' indicator"],
    ["a: b\n- c", "line 1: did not find expected key"],
    ["a: @b", "found character that cannot start any token"],
    ["a: *x", "unknown anchor 'x' referenced"],
    ["x:\n  y: 1\n z: 2", "line 2: did not find expected key"],
  ];
  for (const [text, why] of rows) {
    assert.throws(() => readYamlBody(text), new GoYamlError(`yaml: ${why}`), text);
  }
});

test("a page that stands for gigabytes is refused", () => {
  let text = 'a0: &a0 ["x","x","x","x","x","x","x","x","x"]\n';
  for (let i = 1; i < 9; i++) text += `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]\n`;
  assert.throws(() => readYamlBody(text), new GoYamlError("yaml: document contains excessive aliasing"));
});

test("JSON means what it means as YAML, read either way", () => {
  const texts = [
    '{"a":"\\u00e9\\ud83d\\ude00\\/\\n\\t\\"\\\\ \u2028 é 🚢","é":[1,-0,0.5,1e3,1.0,-1E-2,null,true,false,[],{}]}',
    '{"big":9007199254740993,"bigger":18446744073709551616,"text":"yes","0644":"0644","no":"~"}',
    '  { "a" : { "b" : [ "x" , { } ] } }  \n',
    '{"__proto__":{"a":1}}',
    '{"a":1,"a":2}',
    '{"base":{"<<":{"a":1}}}',
  ];
  for (const text of texts) {
    // A comment makes it YAML for certain.
    const yaml = readYamlBody(`# c\n${text}`);
    const shown = (value: unknown): string => JSON.stringify(value);
    assert.equal(shown(readYamlBody(text).value), shown(yaml.value), text);
    assert.equal(readYamlBody(text).duplicates.length, yaml.duplicates.length);
  }
  assert.deepEqual(readYamlBody('{"a":1,"a":2}').duplicates, ['line 1: key "a" already set in map']);
  assert.throws(() => readYamlBody('{"a":1'), GoYamlError);
});
