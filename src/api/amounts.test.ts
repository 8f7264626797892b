import assert from "node:assert/strict";
import { test } from "node:test";
import { roundAmounts } from "./amounts.ts";

test("amounts are rounded up to thousandths wherever they are", () => {
  const pod = {
    spec: {
      overhead: { cpu: "1500u" },
      containers: [
        { name: "c", resources: { limits: { cpu: "1n", memory: "1Gi" }, requests: { cpu: "-1u" } } },
      ],
    },
  };
  roundAmounts("io.k8s.api.core.v1.Pod", pod);
  assert.deepEqual(pod, {
    spec: {
      overhead: { cpu: "2m" },
      containers: [
        { name: "c", resources: { limits: { cpu: "1m", memory: "1Gi" }, requests: { cpu: "-1m" } } },
      ],
    },
  });
});

test("other quantities stay", () => {
  const range = { spec: { limits: [{ type: "Container", max: { cpu: "1n" } }] } };
  roundAmounts("io.k8s.api.core.v1.LimitRange", range);
  assert.equal(range.spec.limits[0]?.max.cpu, "1m");
  const volume = { emptyDir: { sizeLimit: "1n" } };
  roundAmounts("io.k8s.api.core.v1.Volume", volume);
  assert.equal(volume.emptyDir.sizeLimit, "1n");
});
