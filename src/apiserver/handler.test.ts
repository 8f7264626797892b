import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger, StatusError } from "../machinery/index.ts";
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

test("what authentication has to say comes with any answer, before the answer's own warnings", async () => {
  const h = await startHarness({
    authenticator: {
      authenticate: ({ path, warn }) => {
        warn?.("first");
        if (path === "/version") throw new StatusError("Unauthorized", "no");
        return { name: "eve", groups: [] };
      },
    },
  });
  const said = async (method: string, path: string, body?: object): Promise<string | undefined> =>
    (await h.call(method, path, body)).headers["warning"];
  assert.equal(await said("GET", "/version"), '299 - "first"');
  assert.equal(await said("GET", "/api/v1/nowhere"), '299 - "first"');
  assert.equal(await said("GET", "/api/v1/namespaces"), '299 - "first"');
  const body = { metadata: { name: "a" }, odd: 1 };
  assert.equal(
    await said("POST", "/api/v1/namespaces/default/configmaps", body),
    '299 - "first", 299 - "unknown field \\"odd\\""',
  );
  await h.close();
});
