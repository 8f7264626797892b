/**
 * Counts how much of a value matches a schema. Of several alternatives, the errors reported are those of the best match
 * (MatchCount of Kubernetes' OpenAPI validation).
 */
import { isObject } from "../../machinery/index.ts";
import { formatOf } from "./numbers.ts";
import { isIntOrString, memberOf, type SchemaProps } from "./schema-props.ts";

/** Validators of a value: for its type alone, and for all. */
export interface Validators {
  typeFits(schema: SchemaProps, value: unknown): boolean;
  isValid(schema: SchemaProps, value: unknown, judge: Judge): boolean;
}

/** By schema and value. */
class Known<T> {
  readonly #known = new Map<SchemaProps, Map<unknown, T>>();

  get(schema: SchemaProps, value: unknown): T | undefined {
    return this.#known.get(schema)?.get(value);
  }

  set(schema: SchemaProps, value: unknown, found: T): T {
    const values = this.#known.get(schema);
    if (values) values.set(value, found);
    else this.#known.set(schema, new Map([[value, found]]));
    return found;
  }
}

/**
 * Judges values during one validation, each by each schema once: alternatives within alternatives would take time exponential in
 * their depth otherwise.
 */
export class Judge {
  readonly #validators: Validators;
  readonly #valid = new Known<boolean>();
  readonly #counts = new Known<number>();

  constructor(validators: Validators) {
    this.#validators = validators;
  }

  typeFits(schema: SchemaProps, value: unknown): boolean {
    return this.#validators.typeFits(schema, value);
  }

  isValid(schema: SchemaProps, value: unknown): boolean {
    const known = this.#valid.get(schema, value);
    return known ?? this.found(schema, value, this.#validators.isValid(schema, value, this));
  }

  /** Remembers whether a value is valid. */
  found(schema: SchemaProps, value: unknown, valid: boolean): boolean {
    return this.#valid.set(schema, value, valid);
  }

  /** See `matchCount`. */
  count(schema: SchemaProps, value: unknown): number {
    const known = this.#counts.get(schema, value);
    return known ?? this.#counts.set(schema, value, matchCount(schema, value, this));
  }
}

const sum = (counts: readonly number[]): number => counts.reduce((all, each) => all + each, 0);

function matchCount(schema: SchemaProps, value: unknown, judge: Judge): number {
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
    return 2 + (items ? sum(value.map((each) => judge.count(items, each))) : 0);
  }
  if (!isObject(value)) return 0;
  return (
    1 +
    sum(
      Object.keys(value).map((name) => {
        const inner = memberOf(schema, name);
        return inner ? judge.count(inner, value[name]) : 0;
      }),
    )
  );
}

function inCombinations(schema: SchemaProps, value: unknown, judge: Judge): number {
  const { anyOf = [], oneOf = [], allOf = [] } = schema;
  const count = (each: SchemaProps): number => judge.count(each, value);
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
  const counts = given.map((each) => judge.count(each, value));
  return counts.indexOf(Math.max(...counts));
}
