import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../testing/index.ts";
import { TokenBucket } from "./token-bucket.ts";

test("a token bucket allows a burst, then its rate, and never holds more than a burst", () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket({ qps: 2, burst: 3 }, clock);
  const allowed = (): boolean[] => [1, 2, 3, 4].map(() => bucket.allow());
  assert.deepEqual(allowed(), [true, true, true, false]);
  clock.advance(500);
  assert.deepEqual(allowed(), [true, false, false, false]);
  clock.advance(60_000);
  assert.deepEqual(allowed(), [true, true, true, false]);
});

test("reserved tokens say how long to wait for them", () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket({ qps: 10, burst: 1 }, clock);
  assert.deepEqual([bucket.reserve(), bucket.reserve(), bucket.reserve()], [0, 100, 200]);
  clock.advance(100);
  assert.equal(bucket.reserve(), 200);
});
