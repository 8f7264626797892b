import assert from "node:assert/strict";
import { test } from "node:test";
import { dice } from "../testing/generate.ts";
import { Entry } from "./entry.ts";
import { SortedEntries } from "./sorted-entries.ts";

const entry = (key: string, revision = 1): Entry => new Entry(key, revision, Buffer.from("{}"), undefined);
const keys = (entries: readonly Entry[]): string[] => entries.map(({ key }) => key);

for (const [name, spread] of [
  ["in any order", 7919],
  ["in order", 1],
  ["backwards", -1],
] as const) {
  test(`thousands put and taken ${name} are where a sorted list has them`, () => {
    const roll = dice(5);
    const sorted = new SortedEntries();
    const known = new Map<string, Entry>();
    const keyOf = (i: number): string =>
      `ns${i % 7}/${String((((i * spread) % 5000) + 5000) % 5000).padStart(4, "0")}`;
    for (let i = 0; i < 8000; i++) {
      const each = entry(keyOf(i), i);
      sorted.put(each);
      known.set(each.key, each);
      if (roll(4) > 0) continue;
      const gone = keyOf(roll(i + 1));
      sorted.remove(gone);
      known.delete(gone);
    }
    const expected = [...known.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    assert.ok(expected.length > 1000);
    assert.deepEqual(sorted.all(), expected);
    for (const namespace of ["ns0", "ns3", "ns6", "none", ""]) {
      const inside = expected.filter((each) => each.namespace === namespace);
      assert.deepEqual(sorted.range(`${namespace}/`, `${namespace}0`), inside);
    }
    for (const key of known.keys()) sorted.remove(key);
    assert.deepEqual(sorted.all(), []);
    assert.deepEqual(sorted.range("", "\uffff"), []);
  });
}

test("a list that was given out does not change", () => {
  const sorted = new SortedEntries();
  sorted.put(entry("a"));
  sorted.put(entry("c"));
  const before = sorted.all();
  sorted.put(entry("b"));
  sorted.remove("a");
  assert.deepEqual(keys(before), ["a", "c"]);
  assert.deepEqual(keys(sorted.all()), ["b", "c"]);
});
