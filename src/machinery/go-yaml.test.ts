import assert from "node:assert/strict";
import { test } from "node:test";
import { GoYamlError, readYamlBody } from "./go-yaml.ts";
import { checkYamlText } from "./yaml-grammar.ts";

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

test("a repeated key stands where its value does", () => {
  const lines = (text: string): string[] =>
    readYamlBody(text).duplicates.map((each) => each.replace(/: key.*/, ""));
  assert.deepEqual(lines("a:\na:\n  b: c\n"), ["line 3"]);
  assert.deepEqual(lines("a: 1\na:\n\n- b\n"), ["line 4"]);
  for (const value of ["", " |\n  b", " &x\n  b: c", " {b: c,\n d: e}", " b\n  c"])
    assert.deepEqual(lines(`a: 1\na:${value}\n`), ["line 2"], value);
});

test("what stands further left than the first block is not read", () => {
  for (const text of [
    " a: b\nc: d\n",
    "  a:\n    - b\n c: d",
    "# x\n a: |\n  b\nc: d",
    " a: b\r\nc: [\r\n1]\r\n",
  ])
    assert.deepEqual(Object.keys(readYamlBody(text).value as object), ["a"], text);
  assert.deepEqual(readYamlBody(" - a\n - b\nc: d").value, ["a", "b"]);
  assert.throws(() => readYamlBody(" a: b\n@"), /found character that cannot start any token/);
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

test("the first mistake is told in the order in which Go's parser asks for tokens", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["a:\n  b: 'x'\n=  - c\nd: 1\n", "line 4: could not find expected ':'"],
    ["a: 'z' b:\n- x\n", "did not find expected key"],
    ["x: 1\na: 'z' b:\n- x\n", "line 1: did not find expected key"],
    ["x: 1\na: >- b\n", "line 2: did not find expected comment or line break"],
    ["a:\n *|\n", "line 2: did not find expected alphabetic or numeric character"],
    ["a:\n!< b: 1\n", "line 2: did not find expected tag URI"],
    ["a:\n  !x!y b\n", "line 1: found undefined tag handle"],
    ["a:\n %x: 1\n", "line 2: found character that cannot start any token"],
    ["a:\n%: 1\n", "line 2: could not find expected directive name"],
    ["%YAML 1.2\n---\na: 1\n", "found incompatible YAML document"],
    ["%YAML 1.1\na: 1\n", "line 1: did not find expected <document start>"],
    ["a: |\n\tb\n", "line 2: found a tab character where an indentation space is expected"],
    ["a: b\n\tc\n d\n", "line 2: found a tab character that violates indentation"],
    ["a: 'b' - c\n", "block sequence entries are not allowed in this context"],
    ["a: ? b\n", "mapping keys are not allowed in this context"],
    ['a: "\\q"\n', "found unknown escape character"],
    ['a:\n "\\x4"\n', "line 2: did not find expected hexdecimal number"],
    ['{"a":"\\ud83d\\ude00"}', "found invalid Unicode character escape code"],
    ['{"a":"\\/"}', "found unknown escape character"],
    ["a: 'b\n---\n'\n", "line 2: found unexpected document indicator"],
    ["a: [b, c\n- d\n", "line 2: did not find expected ',' or ']'"],
    ["x: [*y, &y 1]\n", "unknown anchor 'y' referenced"],
    ["a: 1\n<<: \n", "map merge requires map or sequence of maps as the value"],
    [`a: ${"[".repeat(10_001)}`, "exceeded max depth of 10000"],
  ];
  for (const [text, why] of rows) {
    assert.throws(() => readYamlBody(text), new GoYamlError(`yaml: ${why}`), text.slice(0, 80));
  }
});

test("what Go's parser takes is not refused", () => {
  const texts = [
    "a: &x {b: [c, d: e, ? f : g]}\nh: *x\n",
    "? - a\n: b\n",
    "%TAG !e! tag:e,2000:\n---\na: !!str 5\nb: !<tag:yaml.org,2002:str> c\n...\nfoo: [",
    "a:\n- b\n-\n- - c\n  - |2-\n     d\n\n- >+\n  e\n\nf: 'g''h\n  i'\nj: \"k\\\n  l\\x41\"\n",
    "# c\r\na: b # d\r\ne:\r\n  f:g h#i -j\r\n",
    "{a, b: , 'c': d,}",
  ];
  for (const text of texts) checkYamlText(text);
});

test("a page that stands for gigabytes is refused", () => {
  let text = 'a0: &a0 ["x","x","x","x","x","x","x","x","x"]\n';
  for (let i = 1; i < 9; i++) text += `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]\n`;
  assert.throws(() => readYamlBody(text), new GoYamlError("yaml: document contains excessive aliasing"));
});

test("values that contain themselves are refused", () => {
  for (const text of [
    "a: &a [ *a]\n",
    "a: 1\nb: &a {x: &b [{y: *a}]}\n",
    "b: &a\n  <<: *a\n",
    "p: &a 1\nq: &a [*a]\n",
  ])
    assert.throws(() => readYamlBody(text), new GoYamlError("yaml: anchor 'a' value contains itself"));
  assert.deepEqual(readYamlBody("p: &a 1\nq: [&a 2, *a]\n").value, { p: 1, q: [2, 2] });
});

test("JSON means what it means as YAML, read either way", () => {
  const texts = [
    '{"a":"\\u00e9\\n\\t\\"\\\\ \u2028 é 🚢","é":[1,-0,0.5,1e3,1.0,-1E-2,null,true,false,[],{}]}',
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

test("a number that no float64 can hold is a text, as Go's parser has it", () => {
  for (const text of ["1e999", "-1e400", "1".repeat(400)])
    assert.deepEqual(readYamlBody(`a: ${text}\n`).value, { a: text });
  assert.deepEqual(readYamlBody("a: .inf\nb: 1e3\n").value, { a: Infinity, b: 1000 });
});

test("stacks of errors are as long as before when a text was refused", () => {
  const { stackTraceLimit } = Error;
  assert.throws(() => readYamlBody('"'.repeat(100)));
  assert.equal(Error.stackTraceLimit, stackTraceLimit);
});
