/**
 * Counts how much of a value matches a schema. Of several alternatives, the errors reported are those of the best match
 * (MatchCount of Kubernetes' OpenAPI validation).
 */
import { isObject } from "../../machinery/index.ts";
import { formatOf } from "./numbers.ts";
import { isIntOrString, memberOf, type SchemaProps } from "./schema-props.ts";

/** A value and its schema, with validators: for errors of its type, and for all. */
export interface Judge {
  typeFits(schema: SchemaProps, value: unknown): boolean;
  isValid(schema: SchemaProps, value: unknown): boolean;
}

const sum = (counts: readonly number[]): number => counts.reduce((all, each) => all + each, 0);

export function matchCount(schema: SchemaProps, value: unknown, judge: Judge): number {
  const typed = isIntOrString(schema) || Boolean(schema.type) || formatOf(schema) !== undefined;
  const type = typed ? (judge.typeFits(schema, value) ? 2 : 1) : 0;
  if (value === null || value === undefined) return judge.typeFits(schema, value) ? 1 : 0;
  // The value itself, its combinations, and the checks for all types.
  return 4 + type + inCombinations(schema, value, judge) + inValue(schema, value, judge);
}

function inValue(schema: SchemaProps, value: unknown, judge: Judge): number {
  if (typeof value === "string") return formatOf(schema) === undefined ? 1 : 2;
  if (typeof value === "number" || typeof value === "bigint") return 2;
  if (Array.isArray(value)) {
    const { items } = schema;
    return 2 + (items ? sum(value.map((each) => matchCount(items, each, judge))) : 0);
  }
  if (!isObject(value)) return 0;
  return (
    1 +
    sum(
      Object.keys(value).map((name) => {
        const inner = memberOf(schema, name);
        return inner ? matchCount(inner, value[name], judge) : 0;
      }),
    )
  );
}

function inCombinations(schema: SchemaProps, value: unknown, judge: Judge): number {
  const { anyOf = [], oneOf = [], allOf = [] } = schema;
  const count = (each: SchemaProps): number => matchCount(each, value, judge);
  const ofOne = (given: readonly SchemaProps[], told: boolean): number => {
    const valid = given.find((each) => judge.isValid(each, value));
    if (valid) return told ? count(valid) : 0;
    return Math.max(0, ...given.map(count));
  };
  const onlyOne = oneOf.filter((each) => judge.isValid(each, value)).length <= 1;
  return ofOne(anyOf, true) + ofOne(oneOf, onlyOne) + sum(allOf.map(count));
}

/** The best match, the first of equal ones. */
export function closest(given: readonly SchemaProps[], value: unknown, judge: Judge): number {
  const counts = given.map((each) => matchCount(each, value, judge));
  return counts.indexOf(Math.max(...counts));
}
