import assert from "node:assert/strict";
import { test } from "node:test";
import { applyConfiguration, type Managers, type View } from "./managers.ts";
import { deducedShape, type Shape, UnkeyedItem } from "./shape.ts";
import { compare } from "./compare.ts";
import { itemStep } from "./list-items.ts";
import { merge } from "./merge.ts";

const item: Shape = {
  map: { atomic: false, field: () => undefined, implied: [], element: { scalar: "untyped" } },
};
const list: Shape = { list: { relation: "map", keys: ["name"], element: item } };

const names = (value: unknown): string => (value as { name: string }[]).map(({ name }) => name).join("");
const items = (text: string): { name: string }[] => [...text].map((name) => ({ name }));

test("the order of merged lists: the configuration's, with what only the live list has in its old place", () => {
  for (const [live, config, merged] of [
    ["abc", "", "abc"],
    ["", "abc", "abc"],
    ["abc", "cba", "cba"],
    ["axb", "ba", "xba"],
    ["abc", "xb", "axbc"],
    ["ab", "axb", "axb"],
    ["abcd", "db", "acdb"],
  ] as const)
    assert.equal(names(merge(list, items(live), items(config))), merged, `${live} with ${config}`);
});

/** A small generator with a seed, so that a failure can be repeated. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 48271) % 2147483647;
    return state % sides;
  };
}

const view: View = {
  apiVersion: "v1",
  shape: deducedShape,
  typed: false,
  reset: undefined,
  other: () => undefined,
};
const writer = (manager: string) =>
  ({ manager, operation: "Apply", apiVersion: "v1", subresource: "" }) as const;

test("laws of apply: twice is once, nothing is lost that somebody applies, nothing stays that nobody does", () => {
  const roll = dice(11);
  const config = (manager: string): Record<string, unknown> => {
    const spec: Record<string, unknown> = { [manager]: 1 };
    for (const name of "abcd") if (roll(2)) spec[name] = name < "c" ? roll(3) : { x: roll(2), y: "z" };
    return { spec };
  };
  for (let round = 0; round < 200; round++) {
    let object: object = {};
    let managers: Managers = new Map();
    const last = new Map<string, Record<string, unknown>>();
    for (let step = 0; step < 8; step++) {
      const manager = `m${roll(3)}`;
      const wanted = config(manager);
      const apply = () => applyConfiguration(view, object, wanted, managers, writer(manager), true, "t");
      ({ object, managers } = apply());
      last.set(manager, wanted);
      assert.equal(apply().unchanged, true, "applying again changes nothing");
      const spec = (object as { spec?: Record<string, unknown> }).spec ?? {};
      for (const [name, value] of Object.entries(wanted.spec as object))
        if (typeof value !== "object") assert.equal(spec[name], value);
        else
          for (const [key, leaf] of Object.entries(value))
            assert.equal((spec[name] as Record<string, unknown>)[key], leaf);
      for (const name of Object.keys(spec))
        assert.ok(
          [...last.values()].some((each) => name in (each.spec as object)),
          `${name} is applied by nobody`,
        );
    }
  }
});

const scalar: Shape = { scalar: "untyped" };
const struct = (fields: Record<string, Shape>): Shape => ({
  map: {
    atomic: false,
    struct: true,
    implied: [],
    field: (name) =>
      fields[name] && {
        ...{ name, step: `f:${name}`, quoted: `"f:${name}"`, rank: Object.keys(fields).indexOf(name) },
        ...{ shape: fields[name], omitsEmpty: false },
      },
  },
});

test("what is given up goes with lists that are left empty, and with items whose key nobody wrote", () => {
  const keyed: Shape = {
    list: {
      ...{ relation: "map", keys: ["name"] },
      element: struct({ name: scalar, port: scalar }),
    },
  };
  const shape = struct({ part: struct({ list: keyed, other: scalar }), more: keyed, last: scalar });
  const here: View = { ...view, shape };
  const apply = (live: object, config: object, managers: Managers, name: string) =>
    applyConfiguration(here, live, config, managers, writer(name), true, "t");
  const first = apply({ part: { list: [] } }, { part: { other: 1 } }, new Map(), "a");
  assert.deepEqual(first.object, { part: { list: [], other: 1 } });
  assert.deepEqual(apply(first.object, { part: {} }, first.managers, "a").object, {});
  // Nobody owns the item's name, which a default gave it.
  const named: Managers = new Map([
    ["Apply\0b\0\0", { ...writer("b"), time: "t", set: { "f:more": { 'k:{"name":"x"}': {} } } }],
  ]);
  const second = apply({ more: [{ name: "x" }] }, { last: 1 }, named, "a");
  const third = apply(second.object, {}, second.managers, "a");
  assert.deepEqual(third.object, { more: [{ name: "x" }] });
});

test("members with names that every JavaScript object knows are absent until they are given", () => {
  const keyed = { relation: "map", keys: ["valueOf"], element: item } as const;
  assert.throws(() => itemStep(keyed, { toString: 1 }), UnkeyedItem);
  assert.equal(itemStep(keyed, { valueOf: "a" }), 'k:{"valueOf":"a"}');
  const { added, removed } = compare(deducedShape, { a: { toString: 1 } }, { a: { valueOf: 1 } }, false);
  assert.deepEqual(added, { "f:a": { "f:valueOf": {} } });
  assert.deepEqual(removed, { "f:a": { "f:toString": {} } });
});
