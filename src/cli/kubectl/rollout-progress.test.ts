import assert from "node:assert/strict";
import { test } from "node:test";
import { rolloutProgress } from "./rollout-progress.ts";

const deployment = (status: object, extra: object = {}): object => ({
  metadata: { name: "web", generation: 2 },
  spec: { replicas: 3 },
  status: { observedGeneration: 2, ...status },
  ...extra,
});

test("a rollout is done when every wanted pod is new and available and no old one is left", () => {
  const cases: [object, string, boolean][] = [
    [{ observedGeneration: 1 }, "Waiting for deployment spec update to be observed...\n", false],
    [
      { updatedReplicas: 1, replicas: 3 },
      'Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...\n',
      false,
    ],
    [
      { updatedReplicas: 3, replicas: 4 },
      'Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination...\n',
      false,
    ],
    [
      { updatedReplicas: 3, replicas: 3, availableReplicas: 2 },
      'Waiting for deployment "web" rollout to finish: 2 of 3 updated replicas are available...\n',
      false,
    ],
    [
      { updatedReplicas: 3, replicas: 3, availableReplicas: 3 },
      'deployment "web" successfully rolled out\n',
      true,
    ],
  ];
  for (const [status, text, done] of cases) {
    assert.deepEqual(rolloutProgress("Deployment", deployment(status)), { text, done });
  }
});

test("a rollout past its deadline is an error", () => {
  const conditions = [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }];
  assert.throws(
    () => rolloutProgress("Deployment", deployment({ conditions })),
    /deployment "web" exceeded its progress deadline/,
  );
});
