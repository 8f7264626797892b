import assert from "node:assert/strict";
import { test } from "node:test";
import type { V2HorizontalPodAutoscaler, V2MetricSpec } from "../generated/types.ts";
import { validateAutoscaler, validateAutoscalerChange } from "./rules.ts";

function autoscaler(metrics: V2MetricSpec[], apiVersion?: string): V2HorizontalPodAutoscaler {
  return {
    spec: { maxReplicas: 2, minReplicas: 1, metrics, scaleTargetRef: { kind: "X", name: "x", apiVersion } },
  };
}

const fields = (errors: readonly { field: string; reason: string }[]): string[] =>
  errors.map(({ field, reason }) => `${field} ${reason}`);

test("of several sources only the first is looked into, and the others are refused", () => {
  const resource = { name: "", target: { type: "Utilization", averageUtilization: 1 } };
  const errors = validateAutoscaler(
    autoscaler(
      [
        { type: "Resource", resource, containerResource: { ...resource, container: "" } },
        { type: "Pods", resource },
      ],
      "a/v1",
    ),
  );
  assert.deepEqual(fields(errors), [
    "spec.metrics[0].resource.name FieldValueRequired",
    "spec.metrics[0].containerResource FieldValueForbidden",
    "spec.metrics[1].resource.name FieldValueRequired",
    "spec.metrics[1].pods FieldValueRequired",
  ]);
});

test("a reference without a group may stay, but not come", () => {
  const bare = autoscaler([], "v1");
  assert.deepEqual(fields(validateAutoscaler(bare)), ["spec.scaleTargetRef.apiVersion FieldValueInvalid"]);
  assert.deepEqual(validateAutoscalerChange(bare, bare), []);
  assert.equal(validateAutoscalerChange(bare, autoscaler([], "a/v1")).length, 1);
});
