import assert from "node:assert/strict";
import { test } from "node:test";
import { allocate, type Wish } from "./allocation.ts";

const wish = (lower: number, upper: number, target = lower): Wish => ({ lower, upper, target });
const rounded = (total: number, wishes: Wish[]): number[] | undefined =>
  allocate(total, wishes)?.seats.map((each) => Math.round(each));

test("without bounds in the way everybody gets the same part of their target", () => {
  assert.deepEqual(allocate(90, [wish(0, 1000, 10), wish(0, 1000, 20)]), { seats: [30, 60], proportion: 3 });
});

test("the default levels of an idle server come out as in Kubernetes", () => {
  const keep = [13, 24, 25, 73, 50, 49, 24];
  const nominal = [13, 49, 25, 98, 74, 98, 245];
  const wishes = keep.map((lower, i) => wish(lower, (nominal[i] as number) + 600));
  assert.deepEqual(rounded(602, wishes), [30, 56, 58, 170, 117, 114, 56]);
});

test("bounds hold, and what they keep from some goes to the others", () => {
  assert.deepEqual(rounded(100, [wish(0, 10, 50), wish(0, 100, 50)]), [10, 90]);
  assert.deepEqual(rounded(100, [wish(60, 100), wish(0, 100, 10), wish(0, 100, 10)]), [75, 13, 13]);
  assert.deepEqual(rounded(62, [wish(60, 100, 60), wish(0, 100, 600)]), [60, 2]);
});

test("just enough, and just not too much", () => {
  assert.deepEqual(rounded(30, [wish(10, 20), wish(20, 40)]), [10, 20]);
  assert.deepEqual(rounded(60, [wish(10, 20), wish(20, 40)]), [20, 40]);
});

test("impossible wishes are told", () => {
  assert.equal(allocate(5, [wish(10, 20)]), undefined);
  assert.equal(allocate(50, [wish(10, 20)]), undefined);
  assert.equal(allocate(15, [wish(10, 9)]), undefined);
  assert.equal(allocate(15, [wish(10, 20, 5)]), undefined);
});

test("whatever the bounds, all is given away, within them, and in one proportion where they do not bind", () => {
  let seed = 7;
  const random = (): number => {
    seed = (seed * 16807) % 2147483647;
    return seed / 2147483647;
  };
  for (let round = 0; round < 500; round++) {
    const wishes = Array.from({ length: 1 + Math.floor(random() * 8) }, () => {
      const lower = Math.floor(random() * 20);
      return wish(lower, lower + Math.floor(random() * 50), lower + random() * 30);
    });
    const least = wishes.reduce((sum, { lower }) => sum + lower, 0);
    const most = wishes.reduce((sum, { upper }) => sum + upper, 0);
    const total = least + Math.floor(random() * (most - least + 1));
    const found = allocate(total, wishes);
    assert.ok(found, JSON.stringify({ total, wishes }));
    const { seats, proportion } = found;
    assert.ok(
      Math.abs(seats.reduce((a, b) => a + b, 0) - total) < 1e-4,
      JSON.stringify({ total, wishes, found }),
    );
    for (const [i, { lower, upper, target }] of wishes.entries()) {
      const got = seats[i] as number;
      assert.ok(got >= lower - 1e-9 && got <= upper + 1e-9);
      if (got > lower + 1e-6 && got < upper - 1e-6)
        assert.ok(Math.abs(got - proportion * Math.max(target, 0.001)) < 1e-6);
    }
  }
});
