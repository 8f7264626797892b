/**
 * Conforms the result of a strategic merge patch to its type. Kubernetes does not decode it from JSON but copies it field by field
 * (apimachinery's unstructured converter), with other error texts, and narrows numbers as Go's conversions do.
 */
import {
  canonicalQuantity,
  GoTimeError,
  isGoFloat,
  isObject,
  parseGoTime,
  QuantityError,
} from "../machinery/index.ts";
import { base64Problem, octetText } from "./conform.ts";
import type { Parts } from "./definition.ts";
import { type Conformance, type FieldSchema, schemaOf, typeOf, type TypeSchema } from "./schema.ts";

class Unfit extends Error {}

/** A value that changes when it is converted to its type. */
export interface Conversion {
  path: readonly (string | number)[];
  value: unknown;
}

export interface Restored extends Conformance {
  /** Conversions to make in the object before `conform`. */
  conversions: readonly Conversion[];
}

/** Does not change the object. Unknown fields are in alphabetical order, and incomplete when there is a problem. */
export function restorable(schema: string | undefined, object: object, same?: Parts): Restored {
  const type = schema === undefined ? undefined : schemaOf(schema);
  const walk = new Walk();
  if (!type) return { unknown: [], conversions: [] };
  const { unknown, conversions } = walk;
  try {
    walk.struct(type, object, "", same);
  } catch (error) {
    if (error instanceof Unfit) return { unknown, conversions, problem: error.message };
    throw error;
  }
  return { unknown: unknown.sort(), conversions };
}

/** Applies the conversions to an equal object. */
export function convert(object: object, conversions: readonly Conversion[]): void {
  for (const { path, value } of conversions) {
    let holder = object as Record<string | number, unknown>;
    for (const key of path.slice(0, -1)) holder = holder[key] as typeof holder;
    holder[path.at(-1) as string | number] = value;
  }
}

function readTime(text: string, digits: 0 | 6): void {
  try {
    parseGoTime(text, digits);
  } catch (error) {
    throw error instanceof GoTimeError ? new Unfit(error.message) : error;
  }
}

/** A value and its place, since the spelling of numbers is known by place. */
interface Given {
  value: unknown;
  holder?: object;
  key?: string | number;
}

/** Go's kind of a decoded value. */
function kindOf({ value, holder, key }: Given): string {
  if (Array.isArray(value)) return "slice";
  if (isObject(value)) return "map";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  return typeof value === "number" && isGoFloat(value, holder, key) ? "float64" : "int64";
}

class Walk {
  readonly unknown: string[] = [];
  readonly conversions: Conversion[] = [];
  readonly #at: (string | number)[] = [];

  struct(type: TypeSchema, value: unknown, path: string, same?: Parts): void {
    if (!isObject(value)) throw new Unfit(`cannot restore struct from: ${kindOf({ value })}`);
    for (const [name, field] of type.fields) {
      if (same && value[name] === same[name]) continue;
      this.#member(field, value, name, path === "" ? name : `${path}.${name}`);
    }
    for (const name of Object.keys(value))
      if (!type.fields.has(name)) this.unknown.push(path === "" ? name : `${path}.${name}`);
  }

  #member(field: FieldSchema, holder: object, key: string | number, path: string): void {
    const value = (holder as Record<string | number, unknown>)[key];
    if (value === undefined || value === null) return;
    this.#at.push(key);
    this.#check(field, { value, holder, key }, path);
    this.#at.pop();
  }

  #check(field: FieldSchema, given: Given, path: string): void {
    const element = field.element as FieldSchema;
    const { value } = given;
    switch (field.type) {
      case "string":
      case "boolean":
      case "int32":
      case "int64":
      case "double":
        this.#convert(value, scalar(field, given));
        return;
      case "list":
        if (!Array.isArray(value)) throw new Unfit(`cannot restore slice from ${kindOf(given)}`);
        for (const i of value.keys()) this.#member(element, value, i, `${path}[${i}]`);
        return;
      case "map":
        if (!isObject(value)) throw new Unfit(`cannot restore map from ${kindOf(given)}`);
        // Names in a map are no part of the path.
        for (const name of Object.keys(value)) this.#member(element, value, name, path);
        return;
      case "ref": {
        const type = typeOf(field);
        if (type) this.struct(type, value, path);
        return;
      }
      case "bytes":
        this.#convert(value, bytes(given));
        return;
      default:
        written(field, given);
    }
  }

  #convert(from: unknown, to: unknown): void {
    if (from !== to) this.conversions.push({ path: [...this.#at], value: to });
  }
}

const goKinds = {
  string: "string",
  boolean: "bool",
  int32: "int32",
  int64: "int64",
  double: "float64",
} as const;

/** What a scalar is in its field. */
function scalar(field: FieldSchema, given: Given): unknown {
  const wanted = goKinds[field.type as keyof typeof goKinds];
  const { value } = given;
  const kind = kindOf(given);
  if (kind === wanted) return value;
  const isNumber = kind === "int64" || kind === "float64";
  if (isNumber && (wanted === "int32" || wanted === "int64" || wanted === "float64")) {
    if (wanted === "float64") return value;
    if (kind === "int64" || Number.isInteger(value)) return narrowed(value as number | bigint, wanted);
  } else if (!(kind === "int64" && wanted === "string")) {
    // Go has no conversion at all between the two.
    throw new Unfit(`unrecognized type: ${wanted}`);
  }
  throw new Unfit(`cannot convert ${kind} to ${field.goName ?? wanted}`);
}

/** Go's conversion: excess bits are lost, and a float beyond 64 bits becomes the smallest integer (on amd64). */
function narrowed(value: number | bigint, to: "int32" | "int64" | "uint8"): number | bigint {
  const size = { int32: 2 ** 31, int64: 2 ** 63, uint8: 2 ** 7 }[to];
  if (to !== "uint8" && value < size && value >= -size) return value;
  let whole = BigInt(value);
  if (whole >= 2n ** 63n || whole < -(2n ** 63n)) whole = -(2n ** 63n);
  if (to === "uint8") return Number(BigInt.asUintN(8, whole));
  return to === "int32" ? Number(BigInt.asIntN(32, whole)) : whole;
}

/** Bytes are a text in base64, or a list of numbers. */
function bytes(given: Given): string {
  const { value } = given;
  if (Array.isArray(value)) {
    const numbers = value.map((each: unknown, i) => {
      if (each === null) return 0;
      const item: Given = { value: each, holder: value, key: i };
      const kind = kindOf(item);
      if (kind === "int64" || (kind === "float64" && Number.isInteger(each)))
        return Number(narrowed(each as number | bigint, "uint8"));
      throw new Unfit(kind === "float64" ? "cannot convert float64 to uint8" : "unrecognized type: uint8");
    });
    return octetText(numbers);
  }
  if (typeof value !== "string") throw new Unfit(`cannot restore slice from ${kindOf(given)}`);
  const problem = base64Problem(value);
  if (problem !== undefined) throw new Unfit(`error decoding from json: ${problem}`);
  return value;
}

const jsonName = (value: unknown): string =>
  Array.isArray(value)
    ? "array"
    : typeof value === "boolean"
      ? "bool"
      : typeof value === "bigint"
        ? "number"
        : typeof value;

const fits32 = (value: unknown): boolean =>
  Number.isInteger(value) && Math.abs(value as number) <= 2 ** 31 && value !== 2 ** 31;

/** Types with their own UnmarshalJSON; the spelling of numbers is lost before. */
function written(field: FieldSchema, given: Given): void {
  const { value } = given;
  const unread = (into: string, number = ""): Unfit =>
    new Unfit(`json: cannot unmarshal ${jsonName(value)}${number} into Go value of type ${into}`);
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
      if (typeof value === "string" || fits32(value)) return;
      throw unread("int32", typeof value === "number" || typeof value === "bigint" ? ` ${value}` : "");
    case "time":
    case "micro-time":
      if (typeof value !== "string") throw unread("string");
      if (value !== "") readTime(value, field.type === "time" ? 0 : 6);
      return;
    default:
  }
}
