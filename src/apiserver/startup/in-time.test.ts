import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../testing/index.ts";
import type { Core } from "../core.ts";
import { inTime } from "./in-time.ts";

function begin() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const note =
    (level: string) =>
    (message: string, { error = "" }: Record<string, unknown> = {}): number =>
      lines.push(`${level}: ${message.split(" ").slice(0, 7).join(" ")} ${error}`.trim());
  const log = { warn: note("warn"), error: note("error") } as unknown as Core["log"];
  const closing = new AbortController();
  const round = Promise.withResolvers<void>();
  const done = inTime({ clock, log, closing: closing.signal }, round.promise);
  return { clock, lines, closing, round, done };
}

const waiting = "warn: what every cluster has is not complete";
const failed = "error: what every cluster has could not be Error: boom";

test("a first round that is in time says nothing, and its failure is the start's", async () => {
  const { clock, lines, round, done } = begin();
  round.resolve();
  await done;
  assert.deepEqual([lines, clock.waiting], [[], 0]);
  const failing = begin();
  failing.round.reject(new Error("boom"));
  await assert.rejects(failing.done, { message: "boom" });
  assert.deepEqual([failing.lines, failing.clock.waiting], [[], 0]);
});

test("the start does not wait for a late first round, whose failure is logged", async () => {
  const { clock, lines, round, done } = begin();
  await clock.run(5000);
  await done;
  assert.deepEqual(lines, [waiting]);
  round.reject(new Error("boom"));
  await clock.run(0);
  assert.deepEqual(lines, [waiting, failed]);
});

test("a late first round may fail when the server closes", async () => {
  const { clock, lines, closing, round, done } = begin();
  await clock.run(5000);
  await done;
  closing.abort();
  round.reject(new Error("boom"));
  await clock.run(0);
  assert.deepEqual(lines, [waiting]);
});
