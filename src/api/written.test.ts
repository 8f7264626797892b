import assert from "node:assert/strict";
import { test } from "node:test";
import { schemaOf, type TypeSchema } from "./schema.ts";
import { fillWritten, withoutNulls } from "./written.ts";

const filled = (definition: string, object: Record<string, unknown>): Record<string, unknown> => {
  fillWritten(schemaOf(definition) as TypeSchema, object);
  return object;
};

test("empty structs and zeros that Go writes always are there; what is omitted when empty is not", () => {
  assert.deepEqual(filled("io.k8s.api.rbac.v1.Role", {}), { rules: null });
  assert.deepEqual(
    filled("io.k8s.api.discovery.v1.EndpointSlice", {
      addressType: "IPv4",
      endpoints: [{ addresses: ["a"] }],
    }),
    { addressType: "IPv4", endpoints: [{ addresses: ["a"], conditions: {} }], ports: null },
  );
  const pod = filled("io.k8s.api.core.v1.Pod", { spec: { containers: [{ name: "c" }] } });
  assert.deepEqual(pod, { spec: { containers: [{ name: "c", resources: {} }] }, status: {} });
});

test("the kind of a reference is written even if it is empty, that of an object is not", () => {
  const target = filled("io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler", {
    spec: { scaleTargetRef: {} },
  });
  assert.deepEqual(target.spec, { maxReplicas: 0, scaleTargetRef: { kind: "", name: "" } });
  assert.ok(!("kind" in target));
});

test("what is there stays", () => {
  const role = { rules: [{ verbs: ["get"] }] };
  assert.deepEqual(filled("io.k8s.api.rbac.v1.Role", structuredClone(role)), role);
});

test("for rules, what is written as null is absent, and nothing else is touched", () => {
  const type = schemaOf("io.k8s.api.storage.v1.StorageClass") as TypeSchema;
  const expressions = [
    { key: "k", values: null },
    { key: "l", values: ["v"] },
  ];
  const stored = { provisioner: "p", allowedTopologies: [{ matchLabelExpressions: expressions }] };
  const kept = structuredClone(stored);
  const bare = withoutNulls(type, stored);
  assert.deepEqual(bare.allowedTopologies[0]?.matchLabelExpressions, [
    { key: "k" },
    { key: "l", values: ["v"] },
  ]);
  assert.deepEqual(stored, kept);
  assert.equal(withoutNulls(type, bare), bare);
  fillWritten(type, stored, false);
  assert.deepEqual(stored, { ...bare, allowedTopologies: bare.allowedTopologies });
  fillWritten(type, stored);
  assert.deepEqual(stored, kept);
});
