import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../machinery/index.ts";
import { configMap, startHarness } from "./testing/harness.ts";

test("a request that takes long leaves a line that says where the time went", async (t) => {
  const lines: Record<string, unknown>[] = [];
  let delayMs = 0;
  const h = await startHarness({
    log: createLogger(
      (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
      () => 0,
    ),
    authorizer: {
      authorize: () => {
        h.clock.advance(delayMs);
        return { allowed: true, reason: "" };
      },
    },
  });
  t.after(() => h.close());
  const path = "/api/v1/namespaces/default/configmaps";
  await h.call("POST", path, configMap("quick"));
  assert.deepEqual(
    lines.filter(({ message }) => message === "slow request"),
    [],
  );
  delayMs = 600;
  await h.call("POST", path, configMap("slow"));
  const line = lines.find(({ message }) => message === "slow request");
  assert.equal(line?.path, path);
  assert.equal(line?.verb, "create");
  assert.equal(line?.status, 201);
  assert.deepEqual([line?.totalMs, line?.authMs, line?.servingMs], [600, 600, 0]);
});
