import assert from "node:assert/strict";
import { test } from "node:test";
import type { ValidatingAdmissionPolicy } from "../../api/index.ts";
import { startBench } from "../testing/bench.ts";
import { runAdmissionPolicyStatus } from "./index.ts";

test("a policy's status says which generation has been seen", async () => {
  const bench = await startBench(runAdmissionPolicyStatus);
  const policies = bench.client.resource<ValidatingAdmissionPolicy>(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicies",
    false,
  );
  const made = await policies.create(undefined, {
    metadata: { name: "p" },
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] },
        ],
      },
      validations: [{ expression: "true" }],
    },
  });
  await bench.settle();
  const seen = await policies.get(undefined, "p");
  assert.deepEqual(seen.status, { observedGeneration: 1, typeChecking: {} });
  await policies.update(undefined, {
    ...seen,
    spec: { ...made.spec, validations: [{ expression: "false" }] },
  });
  await bench.settle();
  assert.equal((await policies.get(undefined, "p")).status?.observedGeneration, 2);
  await bench.stop();
});
