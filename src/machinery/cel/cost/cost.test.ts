import assert from "node:assert/strict";
import { test } from "node:test";
import { compileCel } from "../engine.ts";
import { int, listOf, mapOf, objectOf, string } from "../types.ts";
import { most } from "./range.ts";

const item = objectOf(
  "self.items",
  new Map([
    ["name", string],
    ["v", int],
    ["sub", listOf(string)],
  ]),
);
const self = objectOf(
  "self",
  new Map([
    ["s", string],
    ["t", string],
    ["i", int],
    ["ls", listOf(string)],
    ["m", mapOf(string, string)],
    ["lo", listOf(item)],
  ]),
);
/** Letters and items on each path. */
const sizes: Readonly<Record<string, number>> = {
  "": 0,
  s: 400,
  t: 200,
  i: 0,
  ls: 20,
  "ls.@items": 120,
  m: 15,
  "m.@keys": 0,
  "m.@values": 28,
  lo: 10,
  "lo.@items": 0,
  "lo.@items.name": 32,
  "lo.@items.v": 0,
  "lo.@items.sub": 6,
  "lo.@items.sub.@items": 16,
};

const cost = (source: string): number =>
  compileCel(source, { self }).worstCost((path) => sizes[path.slice(1).join(".")]);

/** The numbers are Kubernetes 1.36's, told by how much the rules of a definition with such limits are over their budget. */
const known: readonly (readonly [source: string, cost: number])[] = [
  ["true", 0],
  ["self.i == 5", 2],
  ["self.i + 1 > 3", 4],
  ["self.s == 'a'", 3],
  ["self.s == self.t", 24],
  ["self.s + self.t == 'x'", 65],
  ["self.s.contains(self.t)", 804],
  ["self.s.matches('^[a-z]+$')", 84],
  ["has(self.s)", 1],
  ["self.ls.all(x, x == 'a')", 103],
  ["self.ls.exists_one(x, x == 'a')", 84],
  ["self.ls.map(x, x).all(y, y.startsWith('a'))", 374],
  ["self.m.exists(k, v, k == v)", 93],
  ["self.lo.all(x, self.lo.exists(y, y.name == x.name))", 1263],
  ["self.ls.join(',') == 'a'", 245],
  ["self.s.split(',', 3).all(x, x == 'a')", 95],
  ["self.?s.optMap(x, x.startsWith('a')).orValue(false)", 20],
  ["quantity(self.s).isGreaterThan(quantity(self.t))", 65],
  ["ip(self.s) == ip(self.t)", 65],
];

test("what an expression may cost at most is what the original says", () => {
  for (const [source, wanted] of known) assert.equal(cost(source), wanted, source);
});

test("what has no known size may cost anything", () => {
  assert.ok(cost("ip(self.s) != ip(self.t)") > 1e18);
  assert.equal(cost("lists.range(self.i).all(x, lists.range(x).all(y, y > 3))"), most);
});

test("paths in loops share memory as the original's do, and mistake one member for another", () => {
  // Six items in `sub`, but by the time the inner loop has been looked at its path is that of `v`, which has no items.
  assert.ok(
    cost("self.lo.all(x, x.sub.all(y, x.v == 1))") < cost("self.lo.all(x, x.sub.all(y, y == 'a'))") / 2,
  );
});
