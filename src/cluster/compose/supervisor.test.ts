import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiTransport } from "../../client/index.ts";
import { silentLogger } from "../../machinery/index.ts";
import { FakeClock } from "../../testing/index.ts";
import { Supervisor } from "./supervisor.ts";

const api = {} as ApiTransport;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a part that fails is started again after a growing pause, with a signal of its own", async () => {
  const clock = new FakeClock();
  const supervisor = new Supervisor(clock, silentLogger);
  const signals: AbortSignal[] = [];
  supervisor.start("flaky", api, async ({ signal }) => {
    signals.push(signal);
    if (signals.length < 3) throw new Error(`failure ${signals.length}`);
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  });
  await turn();
  assert.equal(signals.length, 1);
  assert.equal(signals[0]?.aborted, true);
  assert.deepEqual(supervisor.states()[0], {
    name: "flaky",
    healthy: false,
    message: "failure 1",
    restarts: 1,
  });
  clock.advance(199);
  await turn();
  assert.equal(signals.length, 1);
  clock.advance(1);
  await turn();
  assert.equal(signals.length, 2);
  clock.advance(400);
  await turn();
  assert.equal(signals.length, 3);
  assert.equal(supervisor.states()[0]?.healthy, false);
  clock.advance(3000);
  assert.equal(supervisor.states()[0]?.healthy, true);
  assert.equal(signals[2]?.aborted, false);
  await supervisor.stop();
  assert.equal(signals[2]?.aborted, true);
});
