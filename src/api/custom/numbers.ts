/** Validates a number by its schema, with the texts and arithmetic of Kubernetes' OpenAPI validation. */
import { goFloat, invalid, invalidShown } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { isUnknownFormat } from "./formats.ts";
import type { SchemaProps } from "./schema-props.ts";

type Range = readonly [low: bigint, high: bigint];
const longRange: Range = [-(2n ** 63n), 2n ** 63n - 1n];
const intRange: Range = [-(2n ** 31n), 2n ** 31n - 1n];

const within = (value: bigint, [low, high]: Range): boolean => value >= low && value <= high;

/** True for an int64. */
export const isLong = (value: bigint): boolean => within(value, longRange);

/** Errors of a whole value have no field; this is how Go prints none. */
export const noField = "<nil>";

/** A known format of the schema's type; others are ignored. */
export const formatOf = ({ format, type }: SchemaProps): string | undefined =>
  format && !isUnknownFormat(type, format) ? format : undefined;

/** Errors of a number, and of its bounds, which must also be of the type. */
export function checkNumber(
  schema: SchemaProps,
  given: number | bigint,
  path: string,
  errors: FieldError[],
): void {
  if (!isOfType(schema, given)) errors.push(notOfType(schema, "Checked", path));
  const { multipleOf, minimum, maximum } = schema;
  if (multipleOf !== undefined)
    limited(schema, multipleOf, "MultipleOf", given, path, errors, (value, factor) =>
      multipleProblem(value, factor, path),
    );
  if (minimum !== undefined)
    limited(schema, minimum, "Minimum boundary", given, path, errors, (value, bound) => {
      if (schema.exclusiveMinimum ? value > bound : value >= bound) return undefined;
      return `${path} in body should be greater than ${orEqual(schema.exclusiveMinimum)}${shown(bound)}`;
    });
  if (maximum !== undefined)
    limited(schema, maximum, "Maximum boundary", given, path, errors, (value, bound) => {
      if (schema.exclusiveMaximum ? value < bound : value <= bound) return undefined;
      return `${path} in body should be less than ${orEqual(schema.exclusiveMaximum)}${shown(bound)}`;
    });
}

type Comparable = number | bigint;

const orEqual = (exclusive: boolean | undefined): string => (exclusive ? "" : "or equal to ");

const shown = (value: Comparable): string => (typeof value === "bigint" ? String(value) : goFloat(value));

/**
 * Integers are compared with an integer limit, whose fraction is dropped; others, and all if the limit is not of the type, are
 * compared as floating-point numbers.
 */
function limited(
  schema: SchemaProps,
  limit: number,
  what: string,
  given: Comparable,
  path: string,
  errors: FieldError[],
  problemOf: (value: Comparable, limit: Comparable) => string | undefined,
): void {
  const fits = isOfType(schema, limit);
  if (!fits) errors.push(notOfType(schema, what, path));
  const whole = fits ? asLong(given) : undefined;
  const value = whole ?? Number(given);
  const problem = problemOf(value, whole === undefined ? limit : truncated(limit));
  if (problem === undefined) return;
  // Without a value of its own the limit is shown.
  const told = problem.startsWith("factor") ? limitShown(whole, limit) : value;
  errors.push(invalidShown(path, shown(told), problem));
}

const limitShown = (whole: bigint | undefined, limit: number): Comparable =>
  whole === undefined ? limit : truncated(limit);

/** As int64, which is a bigint in decoded JSON. */
function asLong(value: Comparable): bigint | undefined {
  if (typeof value === "bigint") return isLong(value) ? value : undefined;
  return undefined;
}

/** Go's conversion to int64 on amd64: values out of range become the minimum. */
function truncated(value: number): bigint {
  const whole = Number.isFinite(value) ? BigInt(Math.trunc(value)) : longRange[0];
  return isLong(whole) ? whole : longRange[0];
}

function isOfType(schema: SchemaProps, value: Comparable): boolean {
  const format = formatOf(schema);
  if (schema.type === "integer") {
    if (typeof value === "number" && !Number.isInteger(value)) return false;
    return within(BigInt(value), format === "int32" ? intRange : longRange);
  }
  return schema.type !== "number" || format !== "float" || Number.isFinite(Math.fround(Number(value)));
}

function notOfType(schema: SchemaProps, what: string, path: string): FieldError {
  const format = formatOf(schema);
  const wanted = format === undefined ? "(default format)" : `with format ${format}`;
  return invalid(noField, "", `${what} value must be of type ${schema.type} ${wanted} in ${path}`);
}

function multipleProblem(value: Comparable, factor: Comparable, path: string): string | undefined {
  if (factor <= 0) return `factor MultipleOf declared for ${path} must be positive: ${shown(factor)}`;
  const fits =
    typeof value === "bigint" && typeof factor === "bigint"
      ? value % factor === 0n
      : isWhole(Number(factor) < 1 ? (1 / Number(factor)) * Number(value) : Number(value) / Number(factor));
  return fits ? undefined : `${path} in body should be a multiple of ${shown(factor)}`;
}

/** True for an integer, or slightly more, as in divisions of fractions; false beyond 2^53. */
export function isWhole(value: number): boolean {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  const whole = Math.trunc(value);
  return value === whole || (whole > 0 && (value - whole) / (value + whole) < 1e-9);
}
