/** What cel-go refuses before anything runs, and where and how it says so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileCel } from "./engine.ts";

const compile = (source: string): unknown => compileCel(source, {});

const notServed: readonly string[] = [
  "math.abs(-1) == 1",
  "base64.encode(b'a') == ''",
  "cel.bind(x, 1, x == 1)",
  "'ab'.reverse() == 'ba'",
];

test("libraries of cel-go that Kubernetes leaves out are unknown", () => {
  for (const source of notServed) assert.throws(() => compile(source), { name: "CelCompileError" }, source);
});

test("literals are held against their syntax before anything runs", () => {
  const first = (source: string): string => {
    try {
      compile(source);
    } catch (error) {
      return (error as Error).message.split("\n")[0] ?? "";
    }
    return "";
  };
  assert.equal(
    first("timestamp('x') == timestamp(0)"),
    "compilation failed: ERROR: <input>:1:11: invalid timestamp argument",
  );
  // Types come first.
  assert.match(first("timestamp('x') > 1"), /found no matching overload for '_>_'/);
  assert.equal(
    first("18446744073709551616u == 0u"),
    "compilation failed: ERROR: <input>:1:1: invalid uint literal",
  );
});

const operand =
  "'.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const refused: readonly (readonly [string, string])[] = [
  ["[1,2", "1:5: Syntax error: mismatched input '<EOF>' expecting {']', ','}"],
  ["[1][0", "1:6: Syntax error: missing ']' at '<EOF>'"],
  ["[1].map(x.y, x)", "1:10: argument is not an identifier"],
  ["[1].all(1, true)", "1:9: argument must be a simple name"],
  ["Foo{a:1}", "1:4: undeclared reference to 'Foo' (in container '')"],
  ["))", `1:1: Syntax error: mismatched input ')' expecting {'[', '{', '(', ${operand}`],
  ["f(,)", `1:3: Syntax error: extraneous input ',' expecting {'[', '{', '(', ')', ${operand}`],
  ["!", `1:2: Syntax error: extraneous input '<EOF>' expecting {'[', '{', '(', ${operand}`],
  ["1 +", `1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', ${operand}`],
  ["1.2.3", "1:4: Syntax error: extraneous input '.3' expecting <EOF>"],
  ["{1}", "1:3: Syntax error: mismatched input '}' expecting ':'"],
  ["'%z'.format([1])==''", '1:12: could not parse formatting clause: unrecognized formatting clause "z"'],
  ["'%s'.format([1, 2])==''", "1:12: too many arguments supplied to string.format (expected 1, got 2)"],
  ["type(1) == 1", "1:9: found no matching overload for '_==_' applied to '(type(int), int)'"],
];

test("what does not compile is told of where and how cel-go tells it", () => {
  for (const [source, said] of refused)
    assert.throws(
      () => compile(source),
      (error) => (error as Error).message.startsWith(`compilation failed: ERROR: <input>:${said}\n`),
      source,
    );
  assert.throws(
    () => compile("@"),
    (error) =>
      /1:1: Syntax error: token recognition error at: '@'[^]*1:2: Syntax error: mismatched input '<EOF>'/.test(
        (error as Error).message,
      ),
  );
});
