/** Defaults of custom resources, and when there is nothing to add. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { applyDefaults, isComplete } from "./prune.ts";
import type { SchemaProps } from "./schema-props.ts";

test("members with names that every JavaScript object knows are absent until they are given", () => {
  const schema = JSON.parse(
    '{"properties":{"constructor":{"default":"d"},"toString":{"default":"d"},"__proto__":{"default":"d"}}}',
  ) as SchemaProps;
  const value = { toString: "x" };
  assert.equal(isComplete(schema, value, false), false);
  applyDefaults(schema, value);
  assert.equal(JSON.stringify(value), '{"toString":"x","constructor":"d","__proto__":"d"}');
  assert.equal(isComplete(schema, value, false), true);
});
