/** Values of custom resources held to their schemas: which mistakes are told, and in which order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Correlated } from "./correlated.ts";
import type { SchemaProps } from "./schema-props.ts";
import { validateSchema } from "./validate.ts";

const told = (schema: SchemaProps, value: unknown): string[] =>
  validateSchema(schema, value, "spec.x", false, undefined).map(
    ({ field, message }) => `${field}: ${message.slice(message.lastIndexOf(":") + 2)}`,
  );

test("of a text's length and pattern only the first mistake is told, and its format besides", () => {
  const name: SchemaProps = { type: "string", minLength: 2, maxLength: 4, pattern: "^[a-z]+$" };
  assert.deepEqual(told(name, "A"), ["spec.x: spec.x in body should be at least 2 chars long"]);
  assert.deepEqual(told(name, "ABCDE"), ["spec.x: may not be more than 4 bytes"]);
  assert.deepEqual(told(name, "ABC"), ["spec.x: spec.x in body should match '^[a-z]+$'"]);
  assert.equal(told({ ...name, format: "ipv4" }, "A").length, 2);
});

test("mistakes of items are told before how many there are", () => {
  const list: SchemaProps = { type: "array", maxItems: 1, items: { type: "string", minLength: 2 } };
  assert.deepEqual(told(list, ["ab", "a"]), [
    "spec.x[1]: spec.x[1] in body should be at least 2 chars long",
    "spec.x: must have at most 1 item",
  ]);
});

test("of several schemas the mistakes of that one are told which fits most", () => {
  const either: SchemaProps = {
    type: "string",
    oneOf: [{ pattern: "a.c" }, { minLength: 1, enum: ["abc"], format: "hostname" }],
  };
  assert.deepEqual(told(either, "x"), [
    '<nil>: "spec.x" must validate one and only one schema (oneOf). Found none valid',
    'spec.x: "abc"',
  ]);
  const open: SchemaProps = { "x-kubernetes-preserve-unknown-fields": true, anyOf: [{ format: "uuid" }] };
  assert.deepEqual(told(open, {}), [
    '<nil>: "spec.x" must validate at least one schema (anyOf)',
    'spec.x: ""',
  ]);
});

test("alternatives within alternatives take no longer the deeper they are", () => {
  const deep = (inner: SchemaProps): SchemaProps => {
    let schema = inner;
    for (let i = 0; i < 200; i++)
      schema = i % 2 ? { anyOf: [schema] } : { oneOf: [schema, { type: "array" }] };
    return schema;
  };
  const member: SchemaProps = { type: "object", properties: { a: { pattern: "x" } } };
  assert.equal(
    told(deep({ type: "string", pattern: "x" }), "y").at(-1),
    "spec.x: spec.x in body should match 'x'",
  );
  assert.deepEqual(told(deep(member), { a: "x" }), []);
  const before = new Correlated(deep(member), { a: "y" }, { a: "z" });
  assert.notEqual(validateSchema(deep(member), { a: "y" }, "", false, before).length, 0);
});

test("the same mistake is told once, and null is no choice of an enumeration that it is not in", () => {
  const list: SchemaProps = { type: "array", minItems: 1, allOf: [{ minItems: 1 }, { minItems: 0 }] };
  assert.equal(told(list, []).length, 2);
  const choice: SchemaProps = { type: "number", nullable: true, enum: [1, 2] };
  assert.equal(told(choice, null).length, 1);
  assert.equal(told({ ...choice, enum: [1, null] }, null).length, 0);
  // Go makes an integer of it to compare it with one.
  assert.equal(told(choice, 1.5).length, 0);
  assert.equal(told(choice, 3.5).length, 1);
  assert.equal(told({ "x-kubernetes-int-or-string": true, enum: ["a"] }, 97n).length, 0);
  assert.equal(told({ type: "string", enum: ["a"] }, 97n).length, 1);
  assert.equal(told({ type: "string", enum: ["a"] }, 97).length, 2);
});

test("a required member with a name that every JavaScript object knows has to be given", () => {
  const schema: SchemaProps = {
    type: "object",
    required: ["toString", "constructor"],
    properties: { toString: { type: "string" } },
    "x-kubernetes-preserve-unknown-fields": true,
  };
  assert.deepEqual(
    validateSchema(schema, { constructor: 1 }, "").map(({ field }) => field),
    ["toString"],
  );
});
