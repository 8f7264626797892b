import assert from "node:assert/strict";
import { test } from "node:test";
import type { MonitorConnection } from "../runtime/index.ts";
import { streamSession } from "./streams.ts";

const over = (exited: Promise<{ exitCode: number } | undefined>) =>
  streamSession({ exited, resume() {}, close() {} } as unknown as MonitorConnection, {
    tty: false,
    stdin: false,
  });

test("a command whose container is gone was killed, and has not succeeded", async () => {
  assert.equal(await over(Promise.resolve(undefined)).exited, 137);
  assert.equal(await over(Promise.resolve({ exitCode: 0 })).exited, 0);
  assert.equal(await over(Promise.resolve({ exitCode: 3 })).exited, 3);
});
