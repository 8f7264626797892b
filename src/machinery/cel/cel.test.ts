import assert from "node:assert/strict";
import { test } from "node:test";
import { CelCompileError, CelCostError, compileCel, Meter } from "./engine.ts";
import * as t from "./types.ts";

const self = t.objectOf(
  "selfType",
  new Map([
    ["a", t.int],
    ["s", t.string],
    ["l", t.listOf(t.string)],
    ["m", t.mapOf(t.string, t.int)],
    ["any", t.dyn],
  ]),
);
const value = new Map<string, unknown>([
  ["a", 7n],
  ["s", "héllo"],
  ["l", ["b", "a", "b"]],
  ["m", new Map([["x", 1n]])],
  ["any", 2],
]);

const run = (source: string, meter = new Meter()): unknown =>
  compileCel(source, { self }).evaluate({ self: value }, meter);
const failure = (source: string): string => {
  try {
    run(source);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

const holding = [
  "self.a == 7 && self.s.size() == 5 && size(self.l) == 3",
  "1 + 2 * 3 == 7 && 7 / 2 == 3 && -7 / 2 == -3 && 7 % 3 == 1 && 1.5 + 1.5 == 3.0",
  "dyn(1.0) == 1 && 1 < 1.5 && dyn(2u) == 2 && -9223372036854775808 < 0",
  "self.any == 2 && self.m['x'] == 1 && 'x' in self.m && !('y' in self.m) && 'a' in self.l",
  "has(self.a) && !has(self.m.y) && self.?m.?y.orValue(5) == 5 && self.m[?'x'].hasValue()",
  "!has(dyn(null).x) && !has(dyn(1).x) && !has(dyn('t').x) && !dyn(null).?x.hasValue() && !dyn(1).?x.hasValue()",
  "self.l.exists(x, x == 'a') && self.l.all(x, x != 'c') && self.l.exists_one(x, x == 'a')",
  "self.l.map(x, x + '!') == ['b!', 'a!', 'b!'] && self.l.filter(x, x == 'b').size() == 2",
  "self.l.map(x, x == 'b', size(x)) == [1, 1] && self.l.all(i, x, i < 3 && x != '')",
  "self.m.all(k, v, k == 'x' && v == 1) && self.m.transformMap(k, v, v + 1) == {'x': 2}",
  "self.l.transformList(i, x, string(i) + x) == ['0b', '1a', '2b']",
  "self.l.exists(x, 1 / 0 == 1 || x == 'a') && (1 / 0 == 1 || true) && !(false && 1 / 0 == 1)",
  "optional.of(1).optMap(x, x + 1).value() == 2 && !optional.none().hasValue()",
  "type(1) == int && type(self.l) == list && type('a') == string && type(null) == null_type",
  "int('12') == 12 && string(1.5) == '1.5' && double('2') == 2.0 && bool('true') && uint(3) == 3u",
  "'abc'.charAt(1) == 'b' && 'abcabc'.indexOf('c', 3) == 5 && 'abcabc'.lastIndexOf('b') == 4",
  "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && ['a', 'b'].join('-') == 'a-b'",
  "'tacocat'.replace('a', 'o', 1) == 'tococat' && ' x '.trim() == 'x' && 'héllo'.substring(1, 3) == 'él'",
  "'ABC'.lowerAscii() == 'abc' && 'abc'.upperAscii() == 'ABC' && strings.quote('a\"') == '\"a\\\\\"\"'",
  "'%s %d %.2f %x'.format(['a', 2, 1.239, 255]) == 'a 2 1.24 ff' && '%s'.format([['a', 'b']]) == '[\"a\", \"b\"]'",
  "'%s'.format([[1.5, 2.0]]) == '[1.500000, 2.000000]' && '%s'.format([{'a': duration('1s')}]) == '{\"a\":duration(\"1s\")}'",
  "'foo123'.matches('[a-z]+[0-9]+') && '123 456'.find('[0-9]+') == '123' && 'a1b2'.findAll('[0-9]') == ['1', '2']",
  "[1, 2, 3].sum() == 6 && [1.5, 2.5].sum() == 4.0 && [3, 1].min() == 1 && [3, 1].max() == 3 && [1, 2].isSorted()",
  "['a', 'b', 'a'].indexOf('a') == 0 && ['a', 'b', 'a'].lastIndexOf('a') == 2 && [3, 1, 2].sort() == [1, 2, 3]",
  "[1, 1, 2].distinct() == [1, 2] && [[1], [2]].flatten() == [1, 2] && lists.range(3) == [0, 1, 2]",
  "['ccc', 'a', 'bb'].sortBy(x, size(x)) == ['a', 'bb', 'ccc'] && [1, 2, 3].slice(1, 3) == [2, 3]",
  "sets.contains([1, 2], [2]) && sets.equivalent([1, 2, 2], [2, 1]) && sets.intersects([1], [1, 5])",
  "quantity('1.5Gi').isGreaterThan(quantity('1Gi')) && quantity('1k').asInteger() == 1000 && !isQuantity('x')",
  "quantity('1').add(quantity('500m')).compareTo(quantity('1500m')) == 0 && quantity('2').sub(1) == quantity('1')",
  "url('https://u@ex.com:80/p%20q?a=1&a=2').getHost() == 'ex.com:80' && isURL('/x') && !isURL('x')",
  "url('https://[::1]:80/').getHostname() == '::1' && url('https://e/?a=1&a=2').getQuery()['a'] == ['1', '2']",
  "ip('::1').family() == 6 && ip('127.0.0.1').isLoopback() && isIP('1.2.3.4') && !isIP('1.2.3') && !isIP('::ffff:1.2.3.4')",
  "ip.isCanonical('::1') && !ip.isCanonical('0:0::1') && string(ip('2001:DB8::0:1')) == '2001:db8::1'",
  "cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR('10.2.0.0/16') && !isCIDR('10.0.0.0')",
  "cidr('192.168.1.7/24').masked() == cidr('192.168.1.0/24') && cidr('::/64').prefixLength() == 64",
  "!format.dns1123Label().validate('good').hasValue() && format.named('uuid').value().validate('x').value() == ['does not match the UUID format']",
  "semver('1.2.3').isLessThan(semver('1.10.0')) && isSemver('v1.2', true) && semver('1.0.0-a').compareTo(semver('1.0.0')) == -1",
  "timestamp('2024-02-29T12:30:45.5Z').getMonth() == 1 && timestamp('2024-01-01T00:00:00Z') + duration('36h') == timestamp('2024-01-02T12:00:00Z')",
  "timestamp('2024-01-01T00:00:00Z').getHours('America/New_York') == 19 && duration('90s').getMinutes() == 1",
  "string(duration('1h1.5s')) == '3601.5s' && string(timestamp('2024-01-01T00:00:00.120Z')) == '2024-01-01T00:00:00.12Z'",
  "{'a': 1, 'b': 2}.size() == 2 && {'a': [1]}.a[0] == 1 && [1, 2] + [3] == [1, 2, 3]",
];

for (const source of holding) test(`holds: ${source}`, () => assert.equal(run(source), true));

const failing: [string, string][] = [
  ["self.m.y == 1", "no such key: y"],
  ["self.l[5] == ''", "index out of bounds: 5"],
  ["1 / (self.a - 7) == 1", "division by zero"],
  ["1 % (self.a - 7) == 1", "modulus by zero"],
  ["9223372036854775807 + self.a > 0", "integer overflow"],
  ["self.any + 'a' == ''", "no such overload"],
  ["[].min() == 1", "min called on empty list"],
  ["has(dyn([1]).x)", "unsupported index type 'string' in list"],
  ["dyn([1]).?x.hasValue()", "unsupported index type 'string' in list"],
  [
    "quantity('x') == quantity('1')",
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  ],
  ["optional.none().value() == 1", "optional.none() dereference"],
];
for (const [source, text] of failing) test(`fails: ${source}`, () => assert.equal(failure(source), text));

const refused: [string, number, string][] = [
  ["self.foo > 1", 5, "undefined field 'foo'"],
  ["self.a > 'x'", 8, "found no matching overload for '_>_' applied to '(int, string)'"],
  ["foo", 1, "undeclared reference to 'foo' (in container '')"],
  ["self.s.startsWith(1)", 18, "found no matching overload for 'startsWith' applied to 'string.(int)'"],
  ["has(self.foo)", 4, "undefined field 'foo'"],
  ["self.l.all(1, true)", 12, "argument must be a simple name"],
  ["[1, 'a'] == []", 5, "expected type 'int' but found 'string'"],
  ["[1, 1.5] == [1.0]", 5, "expected type 'int' but found 'double'"],
  ["[1, 'a', 2.0] == ['b']", 5, "expected type 'int' but found 'string'"],
  ["[1, 'a'].foo", 9, "type 'list(dyn)' does not support field selection"],
  ["{'a': 1, 'b': 2.0} == {'a': 1.0}", 15, "expected type 'int' but found 'double'"],
  ["self.s.matches('(?=a)')", 16, "invalid matches argument"],
  ["(self.a", 8, "Syntax error: missing ')' at '<EOF>'"],
  ["for", 1, "reserved identifier: for"],
  ["self.a == 1 && 'x'", 16, "expected type 'bool' but found 'string'"],
];
for (const [source, column, text] of refused)
  test(`does not compile: ${source}`, () =>
    assert.equal(
      failure(source),
      `compilation failed: ERROR: <input>:1:${column}: ${text}\n | ${source}\n | ${".".repeat(column - 1)}^`,
    ));

test("every mistake is told of, with its line", () => {
  assert.throws(
    () => run("self.x ==\n self.y"),
    (error: Error) => {
      assert.ok(error instanceof CelCompileError);
      assert.match(error.message, /<input>:1:5: undefined field 'x'\n \| self\.x ==\n/);
      assert.match(error.message, /ERROR: <input>:2:6: undefined field 'y'\n \|  self\.y\n \| \.{5}\^$/);
      return true;
    },
  );
});

test("what is done with something mistaken is not taken for something of any type", () => {
  assert.match(
    failure("nowhere.startsWith(1)"),
    /undeclared reference to 'nowhere'[^]*overload for 'startsWith' applied to '!error!\.\(int\)'/,
  );
});

test("an evaluation that costs too much is ended, and nothing takes that back", () => {
  const ten = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]";
  const nested = [..."abcdefgh"].reduce((inner, name) => `${ten}.all(${name}, ${inner})`, "true");
  assert.throws(() => run(`1 == 2 || ${nested} || true`), CelCostError);
  const doubled = [..."abcdefghijklmnopqrstuvwxyz"].reduce(
    (inner) => `[${inner}].map(x, x + x)[0]`,
    "'0123456789'",
  );
  assert.throws(() => run(`${doubled} == ''`), CelCostError);
  assert.throws(() => run("lists.range(100000000).size() == 1"), CelCostError);
});

test("matches that are found by reading all the rest again and again cost what is read", () => {
  const all = (pattern: string): unknown =>
    compileCel(`self.findAll('${pattern}').size()`, { self: t.string }).evaluate(
      { self: "a".repeat(20_000) },
      new Meter(),
    );
  assert.equal(all("a"), 20_000n);
  assert.equal(all("a+b|c"), 0n);
  for (const pattern of ["a.*b|a", "(a*)*b|a", "a*?b|a"]) assert.throws(() => all(pattern), CelCostError);
});

test("deep expressions are refused, not followed", () => {
  assert.match(failure(`${"(".repeat(5000)}1${")".repeat(5000)} == 1`), /recursion limit exceeded/);
  assert.match(failure(`${"[".repeat(300)}1${"]".repeat(300)} == 1`), /recursion limit exceeded: 250/);
  assert.match(failure(`self.m${".x".repeat(20_001)}`), /recursion limit exceeded/);
});
