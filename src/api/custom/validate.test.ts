/** Values of custom resources held to their schemas: which mistakes are told, and in which order. */
import assert from "node:assert/strict";
import { test } from "node:test";
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
