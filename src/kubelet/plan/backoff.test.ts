import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff, goSeconds } from "./backoff.ts";

test("doubles from 10 s to 5 min and is forgotten after 10 quiet minutes", () => {
  const backoff = new Backoff();
  let now = 0;
  assert.equal(backoff.remaining("a", now, now), 0, "the first restart is immediate");
  const delays: string[] = [];
  for (let i = 0; i < 7; i++) {
    backoff.next("a", now, now);
    delays.push(goSeconds(backoff.delay("a")));
    now += backoff.remaining("a", now, now);
  }
  assert.deepEqual(delays, ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"]);
  assert.equal(backoff.remaining("a", now + 600_001, now + 600_001), 0);
  backoff.next("a", now + 600_001, now + 600_001);
  assert.equal(backoff.delay("a"), 10_000);
});
