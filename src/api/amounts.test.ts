import assert from "node:assert/strict";
import { test } from "node:test";
import { conform } from "./conform.ts";
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

test("a fraction in powers of two is rounded up in powers of two, and is written so where it is whole then", () => {
  const amounts = { cpu: "1.0001Ki", memory: "5.999999999Ki", "x/half": "0.5Ki", "x/most": "-5.999999999Ki" };
  const quota = { spec: { hard: { ...amounts } } };
  conform("io.k8s.api.core.v1.ResourceQuota", quota);
  roundAmounts("io.k8s.api.core.v1.ResourceQuota", quota);
  assert.deepEqual(quota.spec.hard, { cpu: "1024103m", memory: "6Ki", "x/half": "512", "x/most": "-6Ki" });
});

test("a fraction that is too long is refused", () => {
  const quota = { spec: { hard: { cpu: `1.${"0".repeat(200)}Ki` } } };
  assert.match(
    conform("io.k8s.api.core.v1.ResourceQuota", quota).problem ?? "",
    /quantities must match|too long/,
  );
});
