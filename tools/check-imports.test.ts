import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOf } from "./check-imports.ts";

test("an edge that the layout does not allow is named with its reason", () => {
  const fault = (from: string, to: string): string | undefined => faultOf({ from, line: 1, to });
  assert.equal(fault("src/scheduler/loop.ts", "src/client/index.ts"), undefined);
  assert.match(
    fault("src/scheduler/loop.ts", "src/store/index.ts") ?? "",
    /scheduler may use client, api, machinery: parts reach/,
  );
  assert.match(
    fault("src/scheduler/loop.ts", "src/client/queue.ts") ?? "",
    /import src\/client\/index.ts only/,
  );
  assert.match(fault("src/scheduler/loop.ts", "src/scheduler/index.ts") ?? "", /never your own index.ts/);
  assert.match(fault("src/scheduler/loop.ts", "src/testing/index.ts") ?? "", /for tests alone/);
  assert.equal(fault("src/scheduler/loop.test.ts", "src/testing/index.ts"), undefined);
});
