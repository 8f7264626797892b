/** Ownership of an object that is applied in several versions of its kind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, failure, startHarness } from "../testing/harness.ts";

const path = (version: string): string =>
  `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;

test("apply: through another version, what is applied again leaves the object as it is stored", async () => {
  const h = await startHarness();
  const scaler = (version: string, spec?: object) => ({
    apiVersion: `autoscaling/${version}`,
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "h" },
    spec,
  });
  const cpu = { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } };
  const pods = { metric: { name: "m" }, target: { type: "AverageValue", averageValue: "1" } };
  const spec = {
    maxReplicas: 3,
    scaleTargetRef: { kind: "Deployment", name: "d", apiVersion: "apps/v1" },
    metrics: [
      { type: "Resource", resource: cpu },
      { type: "Pods", pods },
    ],
  };
  await h.call("POST", path("v2"), scaler("v2", spec));
  const again = await apply(h, `${path("v1")}/h`, "one", scaler("v1"));
  assert.equal(again.status, 200);
  const { body } = await h.call("GET", `${path("v2")}/h`);
  assert.deepEqual(
    body.spec.metrics.map(({ type }: { type: string }) => type),
    ["Resource", "Pods"],
  );
  const unfinished = [{ type: "Pods", pods: {} }];
  const refused = await apply(
    h,
    `${path("v2")}/h`,
    "one",
    scaler("v2", { metrics: unfinished }),
    "&force=true",
  );
  assert.match(failure(refused, 422).message ?? "", /spec\.metrics\[0\]\.pods\.metric\.name: Required value/);
  await h.close();
});

test("apply: metrics that are given up in another version stay, since saying nothing there means some", async () => {
  const h = await startHarness();
  const send = (name: string, version: string, more: object) =>
    apply(h, `${path(version)}/${name}`, "one", {
      apiVersion: `autoscaling/${version}`,
      kind: "HorizontalPodAutoscaler",
      metadata: { name },
      spec: {
        maxReplicas: 3,
        scaleTargetRef: { kind: "Deployment", name: "d", apiVersion: "apps/v1" },
        ...more,
      },
    });
  const memory = { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } };
  const cpu = { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } };
  const metrics = [
    { type: "Resource", resource: cpu },
    { type: "Resource", resource: memory },
  ];
  await send("newer", "v2", { metrics, minReplicas: 2 });
  await send("newer", "v1", {});
  const newer = (await h.call("GET", `${path("v2")}/newer`)).body;
  // Converting through that version moves CPU metrics to the end.
  assert.deepEqual([newer.spec.metrics, newer.spec.minReplicas], [metrics.toReversed(), 1]);
  assert.equal(newer.metadata.managedFields[0].apiVersion, "autoscaling/v1");
  await send("older", "v1", { targetCPUUtilizationPercentage: 40, minReplicas: 2 });
  await send("older", "v2", {});
  const older = (await h.call("GET", `${path("v1")}/older`)).body;
  assert.deepEqual([older.spec.targetCPUUtilizationPercentage, older.spec.minReplicas], [40, 1]);
  await h.close();
});
