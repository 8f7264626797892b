import assert from "node:assert/strict";
import { test } from "node:test";
import { setOf } from "./field-set.ts";
import { reconcileSet } from "./reconcile.ts";
import { deducedShape, type FieldShape, type Shape } from "./shape.ts";

const text: Shape = { scalar: "string" };

const struct = (fields: Record<string, Shape>, atomic = false): Shape => ({
  map: {
    atomic,
    struct: true,
    implied: [],
    field(name) {
      const shape = fields[name];
      return shape && ({ name, step: `f:${name}`, shape } as FieldShape);
    },
  },
});

const list = (relation: "atomic" | "set" | "map", element: Shape): Shape => ({
  list: { relation, keys: ["k"], element },
});

const set = setOf(
  ["f:spec"],
  ["f:spec", "f:map", "f:a"],
  ["f:spec", "f:list", 'k:{"k":"x"}'],
  ["f:spec", "f:list", 'k:{"k":"x"}', "f:map", "f:a"],
  ["f:spec", "f:plain"],
);

const shapeOf = (atomicMap: boolean, relation: "atomic" | "map", open: Shape = text): Shape => {
  const map = struct({ a: text }, atomicMap);
  return struct({ spec: struct({ map, list: list(relation, struct({ k: text, map })), plain: open }) });
};

test("what is one field now is owned as a whole, wherever it is", () => {
  assert.equal(reconcileSet(shapeOf(false, "map"), set), set, "nothing has changed");
  assert.deepEqual(
    reconcileSet(shapeOf(true, "map"), set),
    setOf(
      ["f:spec"],
      ["f:spec", "f:map"],
      ["f:spec", "f:list", 'k:{"k":"x"}'],
      ["f:spec", "f:list", 'k:{"k":"x"}', "f:map"],
      ["f:spec", "f:plain"],
    ),
  );
  assert.deepEqual(
    reconcileSet(shapeOf(true, "atomic"), set),
    setOf(["f:spec"], ["f:spec", "f:map"], ["f:spec", "f:list"], ["f:spec", "f:plain"]),
  );
});

test("types without a schema, fields that nobody declares and what is owned as a whole stay as they are", () => {
  const open = setOf(["f:spec", "f:plain", "f:x"], ["f:spec", "f:other", "f:x"], ["f:spec", "f:map"]);
  assert.equal(reconcileSet(shapeOf(true, "atomic", deducedShape), open), open);
  const atomicOpen: Shape = {
    map: { atomic: true, implied: [], field: () => undefined, element: deducedShape },
  };
  assert.equal(reconcileSet(shapeOf(true, "atomic", atomicOpen), open), open);
});
