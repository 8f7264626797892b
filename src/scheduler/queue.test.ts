import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../testing/index.ts";
import { podInfo } from "./pod-info.ts";
import { SchedulingQueue } from "./queue.ts";

const pod = (uid: string, priority = 0) =>
  podInfo({ metadata: { uid, name: uid, namespace: "default" }, spec: { containers: [], priority } });

function setUp() {
  const clock = new FakeClock();
  let wakes = 0;
  const queue = new SchedulingQueue(clock, { initialMs: 100, maxMs: 1_000 }, () => wakes++);
  return { clock, queue, wakes: () => wakes };
}

test("the most important pod comes first, then the one that waits longest", () => {
  const { queue } = setUp();
  queue.add(pod("a"));
  queue.add(pod("b", 5));
  queue.add(pod("c"));
  assert.deepEqual(
    [queue.pop(), queue.pop(), queue.pop(), queue.pop()].map((e) => e?.info.uid),
    ["b", "a", "c", undefined],
  );
});

test("a refused pod waits for the events that may help it, and for its back-off", () => {
  const { queue, clock } = setUp();
  queue.add(pod("a"));
  const entry = queue.pop();
  assert.ok(entry);
  queue.fail(entry, new Set(["NodeAdd"]));
  queue.event("Volume");
  clock.advance(10_000);
  assert.equal(queue.pop(), undefined);
  queue.event("NodeAdd");
  const second = queue.pop();
  assert.equal(second?.attempts, 2);
  queue.fail(second, new Set(["NodeAdd"]));
  queue.event("NodeAdd");
  assert.equal(queue.pop(), undefined);
  clock.advance(200);
  assert.equal(queue.pop()?.attempts, 3);
});

test("an event that comes while the pod is being decided is not lost", () => {
  const { queue, clock } = setUp();
  queue.add(pod("a"));
  const entry = queue.pop();
  assert.ok(entry);
  queue.event("PodDelete");
  queue.fail(entry, new Set(["PodDelete"]));
  clock.advance(100);
  assert.equal(queue.pop()?.info.uid, "a");
});

test("a pod that is gone is not tried again", () => {
  const { queue, clock } = setUp();
  queue.add(pod("a"));
  const entry = queue.pop();
  assert.ok(entry);
  queue.fail(entry, new Set(), true);
  queue.remove("a");
  clock.advance(10_000);
  assert.equal(queue.pop(), undefined);
  assert.equal(queue.idle, true);
});
