import assert from "node:assert/strict";
import { test } from "node:test";
import type { FieldError } from "../definition.ts";
import { checkNumber } from "./numbers.ts";
import type { SchemaProps } from "./schema-props.ts";

function told(schema: SchemaProps, value: number | bigint): string[] {
  const errors: FieldError[] = [];
  checkNumber(schema, value, "n", errors);
  return errors.map(({ field, message }) => `${field}: ${message.replace("Invalid value: ", "")}`);
}

test("a bound that is no value of the type is a mistake of every value, and held to as a fraction", () => {
  const schema: SchemaProps = { type: "integer", format: "int32", minimum: 0, maximum: 4294967295 };
  const bound = `<nil>: "": Maximum boundary value must be of type integer with format int32 in n`;
  assert.deepEqual(told(schema, 64512), [bound]);
  assert.deepEqual(told(schema, -1), ["n: -1: n in body should be greater than or equal to 0", bound]);
  assert.deepEqual(told(schema, 4294967296), [
    `<nil>: "": Checked value must be of type integer with format int32 in n`,
    bound,
    "n: 4.294967296e+09: n in body should be less than or equal to 4.294967295e+09",
  ]);
  assert.deepEqual(told({ type: "integer", maximum: 10.5 }, 11), [
    `<nil>: "": Maximum boundary value must be of type integer (default format) in n`,
    "n: 11: n in body should be less than or equal to 10.5",
  ]);
});

test("a whole value is held to the whole part of a bound, or to the lowest there is", () => {
  assert.deepEqual(told({ type: "number", maximum: 10.5 }, 10.7), [
    "n: 10.7: n in body should be less than or equal to 10.5",
  ]);
  assert.deepEqual(told({ maximum: 10.5 }, 11n), ["n: 11: n in body should be less than or equal to 10"]);
  assert.deepEqual(told({ type: "number", maximum: 1e300 }, 1n), [
    "n: 1: n in body should be less than or equal to -9223372036854775808",
  ]);
  const exclusive: SchemaProps = { minimum: 5, exclusiveMinimum: true };
  assert.deepEqual(told(exclusive, 5n), ["n: 5: n in body should be greater than 5"]);
});

test("what a format means that the type does not have", () => {
  const far = 2n ** 63n;
  assert.deepEqual(told({ type: "integer", format: "uint32" }, -1), []);
  assert.deepEqual(told({ type: "number", format: "float32" }, 1e39), []);
  assert.deepEqual(told({ type: "number", format: "float" }, 1e39), [
    `<nil>: "": Checked value must be of type number with format float in n`,
  ]);
  assert.deepEqual(told({ type: "integer" }, far), [
    `<nil>: "": Checked value must be of type integer (default format) in n`,
  ]);
});

test("multiples: whole ones of whole factors, others but for what a division loses", () => {
  assert.deepEqual(told({ type: "integer", multipleOf: 3 }, 9), []);
  assert.deepEqual(told({ type: "integer", multipleOf: 3 }, 10), [
    "n: 10: n in body should be a multiple of 3",
  ]);
  assert.deepEqual(told({ type: "number", multipleOf: 0.1 }, 0.3), []);
  assert.deepEqual(told({ type: "number", multipleOf: 0.1 }, 0.35), [
    "n: 0.35: n in body should be a multiple of 0.1",
  ]);
  assert.deepEqual(told({ type: "number", multipleOf: 0.5 }, 1), []);
  assert.deepEqual(told({ type: "number", multipleOf: 0.5 }, 1n), [
    "n: 0: factor MultipleOf declared for n must be positive: 0",
  ]);
});
