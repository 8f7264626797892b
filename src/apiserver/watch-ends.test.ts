import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../testing/index.ts";
import { WatchEnds } from "./watch-ends.ts";

/** Watches, and the number of those that have ended. */
function begin(count: number): { ends: WatchEnds; ended: number[] } {
  const ends = new WatchEnds();
  const ended: number[] = [];
  for (let i = 0; i < count; i++) ends.add(() => ended.push(i));
  return { ends, ended };
}

test("without a time all watches end at once", async () => {
  const { ends, ended } = begin(1000);
  const clock = new FakeClock();
  const done = ends.end(0, clock);
  assert.equal(ended.length, 1000);
  assert.ok(ends.over);
  await done;
});

test("with a time they end one after the other within it, the first ones first", async () => {
  const { ends, ended } = begin(1000);
  const clock = new FakeClock();
  const done = ends.end(2000, clock);
  await clock.run(1000);
  assert.ok(ended.length > 400 && ended.length < 600, `${ended.length}`);
  assert.deepEqual(ended.slice(0, 3), [0, 1, 2]);
  await clock.run(1000);
  await done;
  assert.equal(ended.length, 1000);
});

test("few watches do not take longer than they need", async () => {
  const { ends, ended } = begin(100);
  const clock = new FakeClock();
  const done = ends.end(60_000, clock);
  await clock.run(500);
  await done;
  assert.equal(ended.length, 100);
});

test("one that has ended by itself is not ended, and others that go meanwhile are not waited for", async () => {
  const ends = new WatchEnds();
  const clock = new FakeClock();
  const ended: string[] = [];
  ends.add(() => ended.push("a"))();
  const leave = Array.from({ length: 30 }, (_, i) => ends.add(() => ended.push(`b${i}`)));
  const done = ends.end(1000, clock);
  for (const each of leave) each();
  await clock.run(50);
  await done;
  assert.equal(ended.length, 10);
  assert.ok(!ended.includes("a"));
});
