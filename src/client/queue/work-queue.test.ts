import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../../machinery/index.ts";
import { FakeClock, settle } from "../../testing/index.ts";
import { slowStart } from "./batch.ts";
import { Expectations } from "./expectations.ts";
import { WorkQueue } from "./work-queue.ts";
import { runWorkers, settled } from "./workers.ts";

test("a key added while worked on comes once more, never to two workers", async () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  queue.add("a");
  queue.add("a");
  assert.equal(await queue.take(), "a");
  queue.add("a");
  queue.add("a");
  assert.equal(queue.size, 0);
  queue.done("a");
  assert.equal(queue.size, 1);
  assert.equal(await queue.take(), "a");
  queue.done("a");
  assert.ok(queue.idle);
});

test("the earlier of two delays counts; failures double the wait", async () => {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock, baseMs: 10, maxMs: 40 });
  queue.addAfter("a", 1000);
  queue.addAfter("a", 100);
  queue.addAfter("a", 500);
  clock.advance(100);
  assert.equal(await queue.take(), "a");
  for (const wait of [10, 20, 40, 40]) {
    queue.addRateLimited("b");
    clock.advance(wait - 1);
    assert.equal(queue.size, 0, `too early at ${wait}`);
    clock.advance(1);
    assert.equal(await queue.take(), "b");
    queue.done("b");
  }
});

test("workers retry what throws, come back when asked to, and end with the signal", async () => {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock });
  const stop = new AbortController();
  let calls = 0;
  const running = runWorkers(
    queue,
    2,
    async () => {
      calls++;
      if (calls === 1) throw new Error("first");
      return calls === 2 ? { kind: "again", afterMs: 500, why: "test" } : settled;
    },
    { log: silentLogger, signal: stop.signal },
  );
  queue.add("a");
  await settle();
  assert.equal(calls, 1);
  await clock.run(5);
  assert.equal(calls, 2);
  await clock.run(500);
  assert.equal(calls, 3);
  await clock.run(60_000);
  assert.equal(calls, 3);
  stop.abort();
  await running;
});

test("expectations hold until met, given back or too old", () => {
  const clock = new FakeClock();
  const expected = new Expectations(clock);
  assert.ok(expected.met("rs"));
  expected.creations("rs", 2);
  expected.created("rs");
  assert.ok(!expected.met("rs"));
  expected.created("rs");
  assert.ok(expected.met("rs"));
  expected.deletions("rs", ["u1", "u2"]);
  expected.deleted("rs", "u1");
  expected.deleted("rs", "u1");
  assert.ok(!expected.met("rs"));
  clock.advance(expected.patience("rs"));
  assert.ok(expected.met("rs"));
});

test("a slow start stops after the first batch that fails", async () => {
  const tried: number[] = [];
  const result = await slowStart(20, async (index) => {
    tried.push(index);
    if (index >= 2) throw new Error("quota");
  });
  assert.equal(result.succeeded, 2);
  assert.match(String(result.error), /quota/);
  assert.deepEqual(tried, [0, 1, 2]);
});
