/** What an update may leave wrong in a custom resource, and what it may not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Correlated } from "./correlated.ts";
import { listProblems } from "./list-types.ts";
import type { SchemaProps } from "./schema-props.ts";
import { validateSchema } from "./validate.ts";

const text: SchemaProps = { type: "string", maxLength: 3 };
const byName: Partial<SchemaProps> = {
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["name"],
};
const item: SchemaProps = { type: "object", properties: { name: { type: "string" }, value: text } };

const wrong = (schema: SchemaProps, value: unknown, old: unknown): string[] =>
  validateSchema(schema, value, "", true, new Correlated(schema, value, old)).map(({ field }) => field);

test("a member that is as it was may be wrong, another may not", () => {
  const schema: SchemaProps = { type: "object", properties: { a: text, b: text } };
  assert.deepEqual(wrong(schema, { a: "long", b: "new value" }, { a: "long" }), ["b"]);
  assert.deepEqual(wrong(schema, { a: "longer" }, { a: "long" }), ["a"]);
});

test("of a list without keys no item is known again: all of it is as it was, or none", () => {
  const schema: SchemaProps = {
    type: "object",
    properties: { list: { type: "array", items: text }, x: text },
  };
  assert.deepEqual(wrong(schema, { list: ["long", "b"] }, { list: ["long"] }), ["list[0]"]);
  assert.deepEqual(wrong(schema, { list: ["long"], x: "y" }, { list: ["long"] }), []);
});

test("items of a map are known by their keys, wherever they stand", () => {
  const list: SchemaProps = { type: "array", items: item, ...byName };
  const schema: SchemaProps = { type: "object", properties: { list } };
  const before = { list: [{ name: "a", value: "long" }] };
  assert.deepEqual(wrong(schema, { list: [{ name: "b" }, ...before.list] }, before), []);
  assert.deepEqual(wrong(schema, { list: [{ name: "b", value: "long" }] }, before), ["list[0].value"]);
});

test("an object with members that the schema does not know is never as it was", () => {
  const open: SchemaProps = {
    type: "object",
    required: ["a"],
    properties: { a: text },
    "x-kubernetes-preserve-unknown-fields": true,
  };
  const schema: SchemaProps = { type: "object", properties: { open } };
  assert.deepEqual(wrong(schema, { open: {} }, { open: {} }), []);
  assert.deepEqual(wrong(schema, { open: { z: 1 } }, { open: { z: 1 } }), ["open.a"]);
});

test("whole numbers of more than 64 bits are none", () => {
  const schema: SchemaProps = { type: "object", properties: { a: { type: "integer", format: "int64" } } };
  assert.equal(validateSchema(schema, { a: 2 ** 63 }, "", true).length, 2);
  assert.deepEqual(
    validateSchema(schema, { a: 2n ** 63n }, "", true).map(({ message }) => message),
    [
      'Invalid value: "float64": a in body must be of type int64: "float64"',
      'Invalid value: "": Checked value must be of type integer with format int64 in a',
    ],
  );
  assert.deepEqual(validateSchema(schema, { a: 2n ** 63n - 1n }, "", true), []);
});

test("what stands in a set or map again is told once, with the keys that it has", () => {
  const set: SchemaProps = { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" };
  const map: SchemaProps = { type: "array", items: item, ...byName };
  const schema: SchemaProps = { type: "object", properties: { set, map } };
  const value = { set: ["a", "a", "a", "b"], map: [{ value: "1" }, {}, { name: "x" }, { name: "x" }] };
  assert.deepEqual(
    listProblems(schema, value, "").map(({ field, message }) => `${field} ${message}`),
    ["map[1] Duplicate value: {}", 'map[3] Duplicate value: {"name":"x"}', 'set[1] Duplicate value: "a"'],
  );
  assert.deepEqual(
    listProblems(schema, { map: [5, 6] }, "").map(({ message }) => message),
    ["Invalid value: 5: must be an object for an array of list-type map"],
  );
});
