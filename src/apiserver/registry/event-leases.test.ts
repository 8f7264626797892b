import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../store/index.ts";
import { FakeClock } from "../../testing/index.ts";
import { EventLeases } from "./event-leases.ts";

test("a lease is shared for a minute, and by a thousand at most", async () => {
  let granted = 0;
  const clock = new FakeClock();
  const leases = new EventLeases({ grantLease: async () => ++granted } as unknown as Store, clock);
  for (let i = 0; i < 1000; i++) assert.equal(await leases.lease(3600), 1);
  assert.equal(await leases.lease(3600), 2);
  assert.equal(await leases.lease(60), 3);
  clock.advance(59_999);
  assert.equal(await leases.lease(3600), 2);
  clock.advance(1);
  assert.equal(await leases.lease(3600), 4);
});
