import assert from "node:assert/strict";
import { test } from "node:test";
import { findKind } from "./kinds.ts";
import type { KubeObject } from "./meta.ts";

const mistakes = (plural: string, object: object, old?: object): string[] => {
  const kind = findKind("resource.k8s.io", "v1", plural);
  assert.ok(kind);
  const whole = (each: object) => ({ metadata: { name: "a", namespace: "n" }, ...each }) as KubeObject;
  const found = old
    ? kind.strategy.validateUpdate?.(whole(object), whole(old))
    : kind.strategy.validate?.(whole(object));
  return (found ?? [])
    .filter(({ field }) => !field.startsWith("metadata"))
    .map(({ field, message }) => `${field}: ${message}`);
};

test("claims: names, one kind of request, classes and counts", () => {
  const requests = [
    { name: "x" },
    { name: "y", exactly: { deviceClassName: "", allocationMode: "X" } },
    { name: "y", exactly: { deviceClassName: "c", allocationMode: "ExactCount", count: 1 } },
  ];
  assert.deepEqual(mistakes("resourceclaims", { spec: { devices: { requests } } }), [
    "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
    "spec.devices.requests[1].exactly.deviceClassName: Required value",
    'spec.devices.requests[1].exactly.allocationMode: Unsupported value: "X": supported values: "All", "ExactCount"',
    'spec.devices.requests[2]: Duplicate value: "y"',
  ]);
});

test("a claim stays what it was made as", () => {
  const spec = {
    devices: { requests: [{ name: "x", exactly: { deviceClassName: "c", allocationMode: "All" } }] },
  };
  assert.deepEqual(mistakes("resourceclaims", { spec }, { spec }), []);
  assert.match(
    mistakes("resourceclaims", { spec: { devices: {} } }, { spec }).join(),
    /spec: Invalid value: .*: field is immutable/,
  );
});

test("slices: driver, pool and one place for all devices", () => {
  assert.deepEqual(mistakes("resourceslices", { spec: {} }), [
    "spec.driver: Required value",
    "spec.pool.name: Required value",
    "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
    "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required",
  ]);
});
