import assert from "node:assert/strict";
import { test } from "node:test";
import { celReady } from "../../cel-engine.ts";
import type { SchemaProps } from "../schema-props.ts";
import { ruleProblems } from "./definition-rules.ts";

await celReady();

const holding = (...rules: string[]): SchemaProps => ({
  "x-kubernetes-validations": rules.map((rule) => ({ rule })),
});
const root = (list: SchemaProps): SchemaProps => ({ type: "object", properties: { list } });
const at = "schema.properties[list].items.x-kubernetes-validations[0]";
const advice =
  " (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";

const problems = (schema: SchemaProps, unchanged = false): string[] =>
  ruleProblems(schema, "schema", unchanged).map(({ field, message }) => `${field}: ${message}`);

const overlaps = (maxItems: number): SchemaProps =>
  root({
    type: "array",
    maxItems,
    items: { type: "string", maxLength: 40, ...holding("self.contains('abcdefghijklmnop')") },
  });

test("a rule that may cost too much is refused, by how much it is over", () => {
  assert.deepEqual(problems(overlaps(200_000)), []);
  const over = (factor: string): string =>
    `${at}.rule: Forbidden: estimated rule cost exceeds budget by factor of ${factor}${advice}`;
  assert.deepEqual(problems(overlaps(400_000)), [over("1.320000x")]);
  assert.deepEqual(problems(overlaps(800_000)), [over("2.6x")]);
  assert.deepEqual(problems(overlaps(40_000_000)).slice(0, 1), [over("more than 100x")]);
});

test("without limits what a request can hold is the limit, by how short items can be", () => {
  const items = (required: string[]): SchemaProps => ({
    type: "object",
    properties: { longname: { type: "string", maxLength: 40 } },
    required,
    ...holding("self.longname.contains('abcdefghijklmnop')"),
  });
  assert.deepEqual(problems(root({ type: "array", items: items(["longname"]) })), []);
  assert.deepEqual(problems(root({ type: "array", items: items([]) })), [
    `${at}.rule: Forbidden: estimated rule cost exceeds budget by factor of 3.6x${advice}`,
  ]);
});

test("rules that were there before may cost what they do, but for all of them together", () => {
  assert.deepEqual(problems(overlaps(800_000), true), []);
  assert.deepEqual(problems(overlaps(8_000_000), true), [
    `${at}.rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
    `schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of 2.6x${advice}`,
  ]);
});

test("messages that rules make count, once", () => {
  const schema = root({
    type: "array",
    maxItems: 1_000_000,
    items: {
      type: "object",
      properties: { a: { type: "string" }, b: { type: "array", items: { type: "string" } } },
      "x-kubernetes-validations": [
        { rule: "true", messageExpression: "self.b.map(x, x + self.a).join(',')" },
      ],
    },
  });
  assert.deepEqual(
    problems(schema).map((text) => text.replace(/ exceeds.*/s, "")),
    [
      `${at}.messageExpression: Forbidden: estimated messageExpression cost`,
      `${at}.messageExpression: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
      "schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema",
    ],
  );
});
