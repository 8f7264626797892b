/**
 * What Kubernetes says of a strategically patched object that does not fit its type. It does not decode such an object
 * from JSON but copies it field by field, which has words of its own (apimachinery's unstructured converter).
 */
import { canonicalQuantity, isObject, QuantityError } from "../machinery/index.ts";
import { type Conformance, type FieldSchema, schemaOf, typeOf, type TypeSchema } from "./schema.ts";

class Unfit extends Error {}

/** Changes nothing. Unknown fields are in alphabetical order; with a problem they are not to be relied upon. */
export function restorable(schema: string | undefined, object: object): Conformance {
  const type = schema === undefined ? undefined : schemaOf(schema);
  if (!type) return { unknown: [] };
  const unknown: string[] = [];
  try {
    struct(type, object as Record<string, unknown>, "", unknown);
  } catch (error) {
    if (error instanceof Unfit) return { unknown, problem: error.message };
    throw error;
  }
  return { unknown: unknown.sort() };
}

/** Go's kind of a decoded value. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "slice";
  if (isObject(value)) return "map";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  return Number.isInteger(value) || typeof value === "bigint" ? "int64" : "float64";
}

function struct(type: TypeSchema, value: unknown, path: string, unknown: string[]): void {
  if (!isObject(value)) throw new Unfit(`cannot restore struct from: ${kindOf(value)}`);
  for (const [name, field] of type.fields) {
    const given = value[name];
    if (given !== undefined && given !== null)
      check(field, given, path === "" ? name : `${path}.${name}`, unknown);
  }
  for (const name of Object.keys(value))
    if (!type.fields.has(name)) unknown.push(path === "" ? name : `${path}.${name}`);
}

function check(field: FieldSchema, value: unknown, path: string, unknown: string[]): void {
  const element = field.element as FieldSchema;
  switch (field.type) {
    case "string":
    case "boolean":
    case "int32":
    case "int64":
    case "double":
      scalar(field, value);
      return;
    case "list":
      if (!Array.isArray(value)) throw new Unfit(`cannot restore slice from ${kindOf(value)}`);
      for (const [i, each] of value.entries())
        if (each !== null) check(element, each, `${path}[${i}]`, unknown);
      return;
    case "map":
      if (!isObject(value)) throw new Unfit(`cannot restore map from ${kindOf(value)}`);
      // Names in a map are no part of the path.
      for (const each of Object.values(value)) if (each !== null) check(element, each, path, unknown);
      return;
    case "ref": {
      const type = typeOf(field);
      if (type) struct(type, value, path, unknown);
      return;
    }
    default:
      written(field, value);
  }
}

const goKinds = {
  string: "string",
  boolean: "bool",
  int32: "int32",
  int64: "int64",
  double: "float64",
} as const;

function scalar(field: FieldSchema, value: unknown): void {
  const wanted = goKinds[field.type as keyof typeof goKinds];
  const given = kindOf(value);
  if (given === wanted) return;
  const isNumber = given === "int64" || given === "float64";
  if (isNumber && (wanted === "int32" || wanted === "int64" || wanted === "float64")) {
    if (given === "int64" || wanted === "float64" || Number.isInteger(value)) return;
  } else if (!(given === "int64" && wanted === "string")) {
    // Go has no conversion at all between the two.
    throw new Unfit(`unrecognized type: ${wanted}`);
  }
  throw new Unfit(`cannot convert ${given} to ${field.goName ?? wanted}`);
}

const jsonName = (value: unknown): string =>
  Array.isArray(value)
    ? "array"
    : typeof value === "boolean"
      ? "bool"
      : typeof value === "bigint"
        ? "number"
        : typeof value;

/** Types that read JSON themselves. */
function written(field: FieldSchema, value: unknown): void {
  const unread = (into: string): Unfit =>
    new Unfit(`json: cannot unmarshal ${jsonName(value)} into Go value of type ${into}`);
  switch (field.type) {
    case "quantity":
      try {
        if (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint")
          throw new QuantityError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
          );
        canonicalQuantity(typeof value === "bigint" ? String(value) : value);
      } catch (error) {
        if (error instanceof QuantityError) throw new Unfit(error.message);
        throw error;
      }
      return;
    case "int-or-string":
      if (typeof value !== "string" && kindOf(value) !== "int64") throw unread("int32");
      return;
    case "time":
    case "micro-time":
      if (typeof value !== "string") throw unread("string");
      if (value !== "" && Number.isNaN(Date.parse(value))) {
        const layout =
          field.type === "time" ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00";
        throw new Unfit(
          `parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(value)} as "2006"`,
        );
      }
      return;
    case "bytes":
      if (typeof value !== "string") throw new Unfit(`cannot restore slice from ${kindOf(value)}`);
      if (!/^[A-Za-z0-9+/\r\n]*={0,2}$/.test(value)) {
        const bad = value.search(/[^A-Za-z0-9+/\r\n]/);
        throw new Unfit(`error decoding from json: illegal base64 data at input byte ${Math.max(0, bad)}`);
      }
      return;
    default:
  }
}
