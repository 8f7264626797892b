import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "./parser.ts";
import { compileCel, configurationOfCel, patchExtensions, patchValueOfCel } from "./engine.ts";
import { dyn, objectOf, string } from "./types.ts";
import { CelMessage } from "./values.ts";

const said = (source: string): string[] => {
  const tree = parse(source);
  if (!Array.isArray(tree)) return [];
  return tree
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, text }) => `${at + 1}: ${text.replace("Syntax error: ", "")}`);
};

const ops = "'-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const operand = `{'[', '{', '(', '.', ${ops}`;

/** All of these were asked of Kubernetes 1.36. */
const mistakes: readonly (readonly [source: string, ...said: string[]])[] = [
  ["1 2", "3: extraneous input '2' expecting <EOF>"],
  ["a b c", "3: mismatched input 'b' expecting <EOF>"],
  ["f(1 2)", "5: extraneous input '2' expecting ')'"],
  ["f(1,)", `5: mismatched input ')' expecting ${operand}`],
  ["(1 2", "4: mismatched input '2' expecting ')'"],
  ["(1", "3: missing ')' at '<EOF>'"],
  ["[1 2]", "4: extraneous input '2' expecting {']', ','}"],
  ["[1,,]", "4: extraneous input ',' expecting ']'"],
  ["[1,", "4: missing ']' at '<EOF>'"],
  ["{1:2", "5: mismatched input '<EOF>' expecting {'}', ','}"],
  ["a.", "3: no viable alternative at input '.'"],
  ["a.in", "3: no viable alternative at input '.in'", `5: mismatched input '<EOF>' expecting ${operand}`],
  ["a.true", "3: mismatched input 'true' expecting IDENTIFIER"],
  ["a.?1", "4: mismatched input '1' expecting {IDENTIFIER, ESC_IDENTIFIER}", "4: unsupported ident kind"],
  ["a.`b`", "3: unsupported syntax: '`'"],
  ["-)", "2: no viable alternative at input '-)'", `2: mismatched input ')' expecting ${operand}`],
  ["1 & 2", "3: token recognition error at: '& '", "5: extraneous input '2' expecting <EOF>"],
  ["a ? b", "6: mismatched input '<EOF>' expecting ':'"],
  [
    '"a\\q"',
    "1: token recognition error at: '\"a\\q'",
    "5: token recognition error at: '\"'",
    `6: mismatched input '<EOF>' expecting ${operand}`,
  ],
  ["1e400 == 1.0", "1: invalid double literal"],
  ["-9223372036854775809 < 0", "1: invalid int literal"],
  ["b'\\u0041'", "1: unable to unescape string"],
  ["'\\ud800' == ''", "1: invalid unicode code point"],
  ["for(1)", "1: reserved identifier: for"],
  ["Foo{1:2}", `5: mismatched input '1' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}`],
  ["has(object)", "5: invalid argument to has() macro"],
  ["[1].all(x, x, true)", "12: duplicate variable name: x"],
  ["[1].map(__result__, 1)", "9: iteration variable overwrites accumulator variable"],
  ["[1].sortBy(1, 2)", "12: argument is not an identifier"],
  ["optional.of(1).optMap(1, 2)", "23: optMap() variable name must be a simple identifier"],
];

test("mistakes are told of as cel-go's parser tells of them, as many as it finds", () => {
  for (const [source, ...expected] of mistakes) assert.deepEqual(said(source), expected, source);
});

const run = (source: string): unknown =>
  compileCel(source, { x: dyn }).evaluate({ x: new Map([["a", "b"]]) });

test("what the grammar allows is allowed", () => {
  for (const source of [
    ".5 == 0.5 && 1e3 == 1000.0 && 0x10 == 16 && 0x10u == 16u",
    "[1, 2,] == [1, 2] && {'a': 1,} == {'a': 1}",
    "--1 == 1 && !!true && -(1) == -1 && -9223372036854775808 < 0",
    "[?x.?a, ?x.?c] == ['b'] && {?'k': x.?a, ?'l': x.?c} == {'k': 'b'}",
    "'''a'b''' == \"a'b\" && r'\\d' == '\\\\d' && '\\x41\\101\\u0041\\U00000041\\?' == 'AAAA?'",
    "b'\\xff\\377' == b'\\377\\xff' && b'\\303\\251' == bytes('é')",
    "true // so it is",
    ".x.a == 'b'",
    "x.?a.hasValue() && !x[?'c'].hasValue()",
  ])
    assert.equal(run(source), true, source);
});

test("messages are made by their names and held against their types", () => {
  const messages = (name: string) =>
    name === "Made"
      ? objectOf(name, { get: (field) => (field === "text" ? string : field === "any" ? dyn : undefined) })
      : undefined;
  const made = (source: string): unknown =>
    compileCel(source, { x: dyn }, { messages }).evaluate({ x: new Map() });
  const value = made("Made{text: 'a', any: [1], ?any: optional.none()}") as CelMessage;
  assert.ok(value instanceof CelMessage);
  assert.equal(value.type, "Made");
  assert.deepEqual(
    [...value],
    [
      ["text", "a"],
      ["any", [1n]],
    ],
  );
  assert.equal(
    made("Made{text: 'a'} == Made{text: 'a'} && Made{} != Made{text: ''} && type(Made{}) == Made"),
    true,
  );
  assert.equal(made("Made{}.?text.hasValue() || has(Made{}.text)"), false);
  const failure = (source: string): string => {
    try {
      made(source);
    } catch (error) {
      return /ERROR: <input>:(.*)/.exec((error as Error).message)?.[1] ?? "";
    }
    return "";
  };
  assert.equal(failure("Other{}"), "1:6: undeclared reference to 'Other' (in container '')");
  assert.equal(failure("Made{none: 1}"), "1:10: undefined field 'none'");
  assert.equal(
    failure("Made{text: 1}"),
    "1:10: expected type of field 'text' is 'string' but provided type is 'int'",
  );
  assert.equal(failure("Made{?text: 'a'}"), "1:13: expected type 'optional_type(string)' but found 'string'");
  assert.equal(failure("x{}"), "1:2: 'dyn' is not a type");
  assert.equal(failure("int{}"), "1:4: 'int' is not a message type");
});

test("what changes objects: objects of any field, JSON patches, keys in their paths", () => {
  const make = (source: string): unknown => compileCel(source, {}, patchExtensions).evaluate({});
  assert.equal(make('jsonpatch.escapeKey("a/b~c")'), "a~1b~0c");
  const object = make(
    "Object{spec: Object.spec{n: 3, list: [Object.spec.list{a: 'b'}], ?none: optional.none()}}",
  );
  assert.deepEqual(configurationOfCel(object as CelMessage), { spec: { n: 3, list: [{ a: "b" }] } });
  assert.equal(make("Object{}.spec == null"), true);
  const [patch] = make(
    "[JSONPatch{op: 'add', value: {'n': dyn(9007199254740993), 'm': dyn(3u), 't': dyn(duration('90s'))}}]",
  ) as [CelMessage];
  assert.deepEqual(patchValueOfCel(patch.get("value")), { n: "9007199254740993", m: 3, t: "90s" });
  assert.throws(() => patchValueOfCel(make("quantity('1')")), /type conversion error from 'Quantity'/);
  assert.throws(() => configurationOfCel(make("Object{a: {1: 2}}") as CelMessage), /invalid return type/);
});

test("of many mistakes a hundred are told, and long lines are not shown, as Kubernetes 1.36 has it", () => {
  const message = (source: string): string => {
    try {
      compileCel(source, {});
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  const strange = message(";".repeat(50_000));
  assert.equal(strange.match(/token recognition error/g)?.length, 100);
  assert.match(
    strange,
    /:1:100: Syntax error: token recognition error at: ';'\n1 more errors were truncated$/,
  );
  const unknown = message(Array.from({ length: 130 }, (_, i) => `n${i}`).join(" + "));
  assert.match(unknown, /undeclared reference to 'n99'[^]*\n30 more errors were truncated$/);
  assert.match(message(`a ;${" ".repeat(16_381)}`), /\n \| a ; +\n \| \.\.\^$/);
  assert.match(message(`a ;${" ".repeat(16_382)}`), /at: ';'$/);
});
