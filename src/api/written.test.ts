import assert from "node:assert/strict";
import { test } from "node:test";
import { schemaOf, type TypeSchema } from "./schema.ts";
import { fillWritten } from "./written.ts";

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

test("what is there stays", () => {
  const role = { rules: [{ verbs: ["get"] }] };
  assert.deepEqual(filled("io.k8s.api.rbac.v1.Role", structuredClone(role)), role);
});
