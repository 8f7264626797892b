import assert from "node:assert/strict";
import { test } from "node:test";
import { deepClone } from "../../machinery/index.ts";
import type { V2HorizontalPodAutoscaler } from "../generated/types.ts";
import { fromV2, toV2 } from "./version1.ts";

const target = (type: string, more: object): { type: string } => ({ type, ...more });
const describedObject = { kind: "Ingress", name: "i", apiVersion: "networking.k8s.io/v1" };
const metric = { name: "m<1>", selector: { matchLabels: { a: "b" } } };

const rich = (): V2HorizontalPodAutoscaler => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "h", annotations: { own: "1" } },
  spec: {
    maxReplicas: 3,
    scaleTargetRef: { kind: "Deployment", name: "d", apiVersion: "apps/v1" },
    metrics: [
      {
        type: "Object",
        object: { describedObject, metric, target: target("AverageValue", { averageValue: "2" }) },
      },
      { type: "Pods", pods: { metric, target: target("AverageValue", { averageValue: "100m" }) } },
      { type: "External", external: { metric, target: target("Value", { value: "7" }) } },
      {
        type: "ContainerResource",
        containerResource: {
          name: "cpu",
          container: "c",
          target: target("Utilization", { averageUtilization: 5 }),
        },
      },
      {
        type: "Resource",
        resource: { name: "cpu", target: target("Utilization", { averageUtilization: 70 }) },
      },
    ],
    behavior: {
      scaleUp: { stabilizationWindowSeconds: 3, policies: [{ type: "Pods", value: 1, periodSeconds: 9 }] },
      scaleDown: { selectPolicy: "Min", tolerance: "50m" },
    },
  },
  status: {
    desiredReplicas: 2,
    currentMetrics: [
      {
        type: "Resource",
        resource: { name: "cpu", current: { averageUtilization: 40, averageValue: "10m" } },
      },
    ],
    conditions: [
      { type: "AbleToScale", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z", reason: "R" },
    ],
  },
});

test("what v1 has no fields for travels in annotations, and comes back from them", () => {
  const object = rich() as { metadata: { annotations: Record<string, string> } };
  fromV2(object);
  const { annotations } = object.metadata;
  assert.deepEqual(Object.keys(annotations).toSorted(), [
    "autoscaling.alpha.kubernetes.io/behavior",
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    "autoscaling.alpha.kubernetes.io/metrics",
    "own",
  ]);
  assert.equal(
    annotations["autoscaling.alpha.kubernetes.io/behavior"],
    '{"ScaleUp":{"StabilizationWindowSeconds":3,"SelectPolicy":null,"Policies":[{"Type":"Pods","Value":1,"PeriodSeconds":9}],"Tolerance":null},' +
      '"ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":"Min","Policies":null,"Tolerance":"50m"}}',
  );
  const metrics = annotations["autoscaling.alpha.kubernetes.io/metrics"] as string;
  assert.ok(
    metrics.startsWith(
      '[{"type":"Object","object":{"target":{"kind":"Ingress","name":"i","apiVersion":"networking.k8s.io/v1"},' +
        '"metricName":"m\\u003c1\\u003e","targetValue":"0","selector":{"matchLabels":{"a":"b"}},"averageValue":"2"}}',
    ),
    metrics,
  );
  assert.deepEqual((object as Record<string, unknown>).status, {
    desiredReplicas: 2,
    currentCPUUtilizationPercentage: 40,
  });
  toV2(object);
  assert.deepEqual(JSON.parse(JSON.stringify(object)), rich());
});

test("annotations that hold something else are dropped, and change nothing", () => {
  const plain: { metadata: { annotations?: Record<string, string> } } = {
    metadata: {},
    ...{ spec: { maxReplicas: 1, targetCPUUtilizationPercentage: 50 } },
  };
  const expected = deepClone(plain);
  toV2(expected);
  const wrong = {
    metrics: '[{"type":5}]',
    conditions: "{",
    "current-metrics": '{"a":1}',
    behavior: '{"ScaleUp":5}',
  };
  const quantity = { metrics: '[{"type":"Pods","pods":{"targetAverageValue":"x"}}]', behavior: "[]" };
  for (const values of [wrong, quantity]) {
    const object = deepClone(plain);
    object.metadata.annotations = Object.fromEntries(
      Object.entries(values).map(([name, text]) => [`autoscaling.alpha.kubernetes.io/${name}`, text]),
    );
    toV2(object);
    assert.deepEqual(object, expected);
  }
});

test("one wrong item makes the whole list count for nothing; an item that is null is an empty one", () => {
  const listed = (items: unknown[]): unknown => {
    const annotations = { "autoscaling.alpha.kubernetes.io/metrics": JSON.stringify(items) };
    const object = { apiVersion: "autoscaling/v1", metadata: { annotations }, spec: {} };
    toV2(object);
    return (object as { spec: { metrics?: unknown } }).spec.metrics;
  };
  const pods = { type: "Pods", pods: { metricName: "m", targetAverageValue: "1" } };
  const share = { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } };
  const none = [{ type: "Resource", resource: share }];
  assert.deepEqual(listed([pods, "x"]), none);
  assert.deepEqual(listed([[], pods]), none);
  assert.deepEqual(listed([{ ...pods, pods: { ...pods.pods, selector: { matchLabels: "a" } } }]), none);
  const at = (lastTransitionTime: unknown): unknown => {
    const text = JSON.stringify([{ type: "T", status: "True", lastTransitionTime }]);
    const annotations = { "autoscaling.alpha.kubernetes.io/conditions": text };
    const object = { apiVersion: "autoscaling/v1", metadata: { annotations }, spec: {} };
    toV2(object);
    return (object as { status?: { conditions?: unknown } }).status?.conditions;
  };
  assert.equal(at(""), undefined);
  assert.deepEqual(at(null), [{ type: "T", status: "True" }]);
  assert.deepEqual(listed([null]), [{ type: "" }]);
});

test("selectors are written in the order of Go's structs; what is not finished has empty members", () => {
  const expressions = [{ operator: "In", values: ["v"], key: "k" }];
  const metric = { name: "m", selector: { matchExpressions: expressions, matchLabels: { b: "1", a: "2" } } };
  const object = {
    metadata: {},
    spec: {
      maxReplicas: 1,
      scaleTargetRef: { kind: "Deployment", name: "d" },
      metrics: [
        { type: "Pods", pods: { metric, target: { type: "AverageValue", averageValue: "1" } } },
        { type: "Object", object: {} },
        { type: "External", external: {} },
      ],
    },
  };
  fromV2(object);
  const { annotations } = object.metadata as { annotations?: Record<string, string> };
  assert.equal(
    annotations?.["autoscaling.alpha.kubernetes.io/metrics"],
    '[{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"1","selector":{"matchLabels":{"a":"2","b":"1"},"matchExpressions":[{"key":"k","operator":"In","values":["v"]}]}}},{"type":"Object","object":{"target":{"kind":"","name":""},"metricName":"","targetValue":"0"}},{"type":"External","external":{"metricName":""}}]',
  );
});
