import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, Service } from "../../api/index.ts";
import { TriggerTimes, triggerTimeAnnotation, withTriggerTime } from "./trigger-times.ts";

const service: Service = { metadata: { name: "web", creationTimestamp: "2026-01-01T00:00:05Z" } };
const pod = (name: string, lastTransitionTime?: string): Pod => ({
  metadata: { name },
  status: {
    conditions: [{ type: "Ready", status: "True", ...(lastTransitionTime ? { lastTransitionTime } : {}) }],
  },
});

test("the earliest change that was not told of before", () => {
  const times = new TriggerTimes();
  const a = pod("a", "2026-01-01T00:00:07Z");
  assert.equal(times.next("k", service, [a, pod("none")]), "2026-01-01T00:00:05Z");
  assert.equal(times.next("k", service, [a]), undefined);
  const two = [pod("a", "2026-01-01T00:00:09Z"), pod("b", "2026-01-01T00:00:08Z")];
  assert.equal(times.next("k", service, two), "2026-01-01T00:00:08Z");
  assert.equal(times.next("k", service, []), undefined);
  times.forget("k");
  assert.equal(times.next("k", service, []), "2026-01-01T00:00:05Z");
});

test("an older time does not stay", () => {
  const old = { [triggerTimeAnnotation]: "2026-01-01T00:00:05Z" };
  assert.deepEqual(withTriggerTime({ ...old, x: "y" }, undefined), { annotations: { x: "y" } });
  assert.deepEqual(withTriggerTime(old, undefined), {});
  assert.deepEqual(withTriggerTime(undefined, "2026-01-01T00:00:06Z"), {
    annotations: { [triggerTimeAnnotation]: "2026-01-01T00:00:06Z" },
  });
});
