/**
 * Conforms a decoded JSON object to its type, as Go's decoder does: a wrong JSON type is one error in Go's words, unknown fields
 * are dropped and reported, nulls become absent. Works in place.
 */
import {
  canonicalQuantity,
  GoTimeError,
  isObject,
  hugeIn,
  noteEmptied,
  parseGoTime,
  QuantityError,
  writtenAs,
} from "../machinery/index.ts";
import { Way } from "./conform-way.ts";
import { roundedFraction } from "./amounts.ts";
import type { Parts } from "./definition.ts";
import { type Conformance, type FieldSchema, schemaOf, typeOf, type TypeSchema } from "./schema.ts";

/** Thrown during the walk for a wrong value. */
class TypeProblem extends Error {}

/**
 * Likewise, by a type with its own UnmarshalJSON: Go's decoder stops there, while after any other wrong value it goes on and
 * reports the first one at the end.
 */
class OwnProblem extends TypeProblem {}

/**
 * Drops unknown fields and nulls from `object` and brings quantities into canonical form. With a problem the object is
 * incomplete and must not be used. `same`: parts shared with the stored object, which conform.
 */
export function conform(schema: string | undefined, object: object, same?: Parts): Conformance {
  const type = schema === undefined ? undefined : schemaOf(schema);
  return type ? conformToType(type, object, same) : { unknown: [] };
}

/** Likewise for a type that is not in the schema table. */
export function conformToType(type: TypeSchema, object: object, same?: Parts): Conformance {
  const unknown: string[] = [];
  try {
    walkObject(type, object as Record<string, unknown>, new Way(), unknown, same);
  } catch (error) {
    if (!(error instanceof TypeProblem)) throw error;
    const own =
      error instanceof OwnProblem ? undefined : ownProblem(type, object as Record<string, unknown>, same);
    return { unknown, problem: (own ?? error).message };
  }
  return { unknown };
}

/** The first mistake of a type with its own UnmarshalJSON, whatever else is wrong. */
function ownProblem(
  type: TypeSchema,
  object: Record<string, unknown>,
  same: Parts | undefined,
): OwnProblem | undefined {
  const way = new Way();
  way.goesOn = true;
  try {
    walkObject(type, object, way, undefined, same);
  } catch (error) {
    if (error instanceof OwnProblem) return error;
    throw error;
  }
  return undefined;
}

/** Paths of unknown fields. */
export function unknownFields(schema: string | undefined, object: object): string[] {
  return conform(schema, structuredClone(object)).unknown;
}

/** The message of the 400 for a body that cannot be decoded. `given`: the kind in the body. */
export function cannotHandle(kind: string, version: string, problem: string, given = kind): string {
  return `${given} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${problem}`;
}

/** One text per field, as in Warning headers. */
export function strictTexts(unknown: readonly string[], duplicate: readonly string[]): string[] {
  return [
    ...unknown.map((field) => `unknown field ${JSON.stringify(field)}`),
    ...duplicate.map((field) => `duplicate field ${JSON.stringify(field)}`),
  ];
}

/** `unknown` collects the paths of unknown fields; undefined where they are not reported. */
function walkObject(
  type: TypeSchema,
  object: Record<string, unknown>,
  way: Way,
  unknown: string[] | undefined,
  same?: Parts,
): void {
  for (const name in object) {
    const field = type.fields.get(name);
    const value = object[name];
    if (same && typeof value === "object" && value !== null && value === same[name]) continue;
    if (!field) {
      unknown?.push(way.path(name));
      delete object[name];
    } else if (value === null || value === undefined) delete object[name];
    else {
      // Most values are valid scalars.
      const kind = field.type;
      if (typeof value === "string" ? kind === "string" : typeof value === "boolean" && kind === "boolean") {
        // Optional zeros are dropped: they cannot be told from absent values.
        if (!value && field.omitEmpty) delete object[name];
        continue;
      }
      const text = typeof value === "number" ? writtenAs(object, name) : undefined;
      way.enter(name, type);
      const made = (way.goesOn ? walkOn : walkValue)(field, value, type, way, unknown, text);
      way.leave();
      // Go omits optional empty lists and maps, but not in custom resources or in values that are kept as JSON.
      const left =
        made === 0 || made === ""
          ? field.omitEmpty && kind !== "any"
          : !field.written && !type.open && isEmpty(kind, made);
      if (left && typeof made === "object") noteEmptied(object, name);
      if (left || made === undefined) delete object[name];
      else object[name] = made;
    }
  }
}

function isEmpty(kind: FieldSchema["type"], value: unknown): boolean {
  if (kind === "list") return (value as unknown[]).length === 0;
  if (kind !== "map") return false;
  for (const _ in value as object) return false;
  return true;
}

function walkValue(
  field: FieldSchema,
  value: unknown,
  owner: TypeSchema,
  way: Way,
  unknown: string[] | undefined,
  text: string | undefined,
): unknown {
  switch (field.type) {
    case "string":
      if (typeof value !== "string") throw mismatch(field, value, way, owner);
      return value;
    case "boolean":
      if (typeof value !== "boolean") throw mismatch(field, value, way, owner);
      return value;
    case "int32":
    case "int64":
      if (text || !isInt(value, field.type)) throw mismatch(field, value, way, owner, text);
      return value;
    case "double":
      if (typeof value !== "number" && typeof value !== "bigint") throw mismatch(field, value, way, owner);
      if (isHuge(value)) throw mismatch(field, value, way, owner, text);
      return Number(value);
    case "time":
    case "micro-time":
      return time(field, value, way, owner);
    case "quantity":
      return quantity(text ?? value);
    case "int-or-string":
      if (typeof value === "string") return value;
      if (text || !isInt(value, "int32"))
        throw new OwnProblem(mismatch({ ...field, type: "int32" }, value, way, owner, text).message);
      return value;
    case "bytes":
      if (Array.isArray(value)) return octets(field, value, way, owner);
      if (typeof value !== "string") throw mismatch(field, value, way, owner);
      return base64(value);
    case "object":
      // Field sets of managedFields are parsed on demand.
      return value;
    case "any":
      if (field.schemaOr) return schemaOr(field, value, way);
      refuseHuge(value, text);
      return value;
    case "ref": {
      if (!isObject(value)) throw mismatch(field, value, way, owner);
      const type = typeOf(field);
      if (type) walkObject(type, value, way, unknown);
      return value;
    }
    case "list":
      return walkList(field, value, owner, way, unknown);
    case "map":
      return walkMap(field, value, owner, way, unknown);
  }
}

/** Likewise, going on after a wrong value. */
const walkOn: typeof walkValue = (field, value, ...rest) => {
  try {
    return walkValue(field, value, ...rest);
  } catch (error) {
    if (error instanceof TypeProblem && !(error instanceof OwnProblem)) return value;
    throw error;
  }
};

/** True for a number that a float64 cannot hold. */
const isHuge = (value: unknown): boolean => value === Infinity || value === -Infinity;

function refuseHuge(value: unknown, text: string | undefined): void {
  const huge = isHuge(value) ? (text ?? String(value)) : hugeIn(value);
  if (huge !== undefined)
    throw new TypeProblem(`json: cannot unmarshal number ${huge} into Go value of type float64`);
}

/** Decodes what has its own UnmarshalJSON: a wrong value in it counts whatever else is wrong outside. */
function alone(way: Way, walk: () => void): void {
  const { depth, goesOn } = way;
  way.goesOn = false;
  try {
    walk();
  } catch (error) {
    if (!(error instanceof TypeProblem) || error instanceof OwnProblem) throw error;
    way.returnTo(depth);
    way.goesOn = true;
    walk();
    throw new OwnProblem(error.message);
  }
  way.goesOn = goesOn;
}

/** JSON schemas have their own UnmarshalJSON: unknown fields are dropped without a report. */
function schemaOr(field: FieldSchema, value: unknown, way: Way): unknown {
  const type = typeOf(field);
  const list = field.schemaOr === "list";
  if (type && isObject(value)) alone(way, () => walkObject(type, value, way, undefined));
  else if (type && list && Array.isArray(value) && value.length > 0) {
    const element: FieldSchema = { type: "ref", ref: type.name, required: false };
    const items: FieldSchema = { type: "list", element, required: false };
    alone(way, () => void walkList(items, value, type, way, undefined));
  } else if (list) return undefined;
  else if (typeof value !== "boolean") throw new OwnProblem("boolean or JSON schema expected");
  return value;
}

/** Whole numbers beyond 2^53 are bigints, and numbers beyond 64 bits are none of Go's integers. */
const isInt = (value: unknown, type: "int32" | "int64"): value is number | bigint =>
  type === "int32"
    ? Number.isInteger(value) && (value as number) <= 2147483647 && (value as number) >= -2147483648
    : Number.isSafeInteger(value) || typeof value === "bigint";

function walkList(
  field: FieldSchema,
  value: unknown,
  owner: TypeSchema,
  way: Way,
  unknown: string[] | undefined,
): unknown {
  if (!Array.isArray(value)) throw mismatch(field, value, way, owner);
  const element = field.element as FieldSchema;
  for (let i = 0; i < value.length; i++) {
    const item: unknown = value[i];
    const text = typeof item === "number" ? writtenAs(value, i) : undefined;
    way.enter(i);
    const walk = way.goesOn ? walkOn : walkValue;
    value[i] = item === null ? zero(element) : walk(element, item, owner, way, unknown, text);
    way.leave();
  }
  return value;
}

function walkMap(
  field: FieldSchema,
  value: unknown,
  owner: TypeSchema,
  way: Way,
  unknown: string[] | undefined,
): unknown {
  if (!isObject(value)) throw mismatch(field, value, way, owner);
  const element = field.element as FieldSchema;
  const plain = element.type === "string";
  const amounts = field.goName === "v1.ResourceList";
  for (const name in value) {
    const item = value[name];
    if (plain && typeof item === "string") continue;
    if (amounts && typeof item === "string") {
      const usual = quantity(item);
      value[name] = roundedFraction(item) ?? usual;
      continue;
    }
    const text = typeof item === "number" ? writtenAs(value, name) : undefined;
    way.enter(name);
    const walk = way.goesOn ? walkOn : walkValue;
    value[name] = item === null ? zero(element) : walk(element, item, owner, way, unknown, text);
    way.leave();
  }
  return value;
}

/** The value that Go decodes null into, where the field cannot be absent. */
function zero(element: FieldSchema): unknown {
  switch (element.type) {
    case "string":
    case "bytes":
      return "";
    case "boolean":
      return false;
    case "ref":
    case "map":
    case "object":
      return {};
    case "list":
      return [];
    case "quantity":
      return "0";
    case "any":
    case "time":
    case "micro-time":
      return null;
    default:
      return 0;
  }
}

/** Seconds and offset are brought to Go's output form, UTC with a Z. */
function time(field: FieldSchema, value: unknown, way: Way, owner: TypeSchema): unknown {
  if (typeof value !== "string")
    throw new OwnProblem(mismatch({ ...field, type: "string" }, value, way, owner).message);
  const digits = field.type === "time" ? 0 : 6;
  try {
    return parseGoTime(value, digits);
  } catch (error) {
    if (error instanceof GoTimeError) throw new OwnProblem(error.message);
    throw error;
  }
}

function quantity(value: unknown): string {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint") {
    throw new OwnProblem(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  }
  try {
    return canonicalQuantity(typeof value === "bigint" ? String(value) : value);
  } catch (error) {
    if (error instanceof QuantityError) throw new OwnProblem(error.message);
    throw error;
  }
}

const encoded = /^[A-Za-z0-9+/]*={0,2}$/;

/** Go's decoding error for invalid base64, ignoring line breaks: the position of the first wrong character. */
export function base64Problem(value: string): string | undefined {
  const text = value.replaceAll(/[\r\n]/g, "");
  if (text.length % 4 === 0 && encoded.test(text)) return undefined;
  return `illegal base64 data at input byte ${wrongPlace(text, value)}`;
}

/** `whole`: the text with its line breaks, which count for positions. */
function wrongPlace(text: string, whole: string): number {
  const end = text.search(/[^A-Za-z0-9+/]/);
  if (end < 0) return whole.length - (text.length % 4);
  const inGroup = end % 4;
  if (text[end] !== "=" || inGroup < 2) return placeIn(whole, end);
  if (inGroup === 3) return placeIn(whole, end + 1);
  // Two padding characters are needed. If the second is wrong, the error names the position before it.
  if (end + 1 === text.length) return whole.length;
  return text[end + 1] === "=" ? placeIn(whole, end + 2) : placeIn(whole, end + 1) - 1;
}

/** The position of the `count`-th character when line breaks are ignored. */
function placeIn(whole: string, count: number): number {
  let left = count;
  for (let i = 0; i < whole.length; i++) if (whole[i] !== "\n" && whole[i] !== "\r" && left-- === 0) return i;
  return whole.length;
}

function base64(value: string): string {
  const problem = base64Problem(value);
  if (problem === undefined) return /[\r\n]/.test(value) ? value.replaceAll(/[\r\n]/g, "") : value;
  throw new TypeProblem(problem);
}

/** Base64 of bytes. */
export function octetText(octets: readonly number[]): string {
  let binary = "";
  for (const each of octets) binary += String.fromCharCode(each);
  return btoa(binary);
}

/** Bytes may also be a list of numbers. */
function octets(field: FieldSchema, value: unknown[], way: Way, owner: TypeSchema): string {
  const into: FieldSchema = { ...field, type: "int32", goName: "uint8" };
  const numbers = value.map((each, i) => {
    if (each === null) return 0;
    const text = typeof each === "number" ? writtenAs(value, i) : undefined;
    if (!text && Number.isInteger(each) && (each as number) >= 0 && (each as number) < 256)
      return each as number;
    throw mismatch(into, each, way, owner, text);
  });
  return octetText(numbers);
}

function valueName(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "number";
  return value === null ? "null" : typeof value;
}

const goNames: Partial<Record<FieldSchema["type"], string>> = {
  boolean: "bool",
  double: "float64",
  time: "v1.Time",
  "micro-time": "v1.MicroTime",
  bytes: "[]uint8",
  object: "map[string]interface {}",
};

function goType(field: FieldSchema): string {
  if (field.goName) return field.goName;
  if (field.type === "list") return `[]${goType(field.element as FieldSchema)}`;
  if (field.type === "map") return `map[string]${goType(field.element as FieldSchema)}`;
  if (field.type === "ref") return (field.ref as string).split(".").slice(-2).join(".");
  return goNames[field.type] ?? field.type;
}

/** A number as written in the text, as far as known. */
const digits = (value: number | bigint): string =>
  Number.isInteger(value) && Math.abs(value as number) < 1e21 ? BigInt(value).toString() : String(value);

function mismatch(
  field: FieldSchema,
  value: unknown,
  way: Way,
  owner: TypeSchema,
  text?: string,
): TypeProblem {
  const isNumber = typeof value === "number" || typeof value === "bigint";
  const named = field.type === "int32" || field.type === "int64" || isHuge(value);
  const number = isNumber && named ? ` ${text ?? digits(value)}` : "";
  const struct = owner.name.slice(owner.name.lastIndexOf(".") + 1);
  return new TypeProblem(
    `json: cannot unmarshal ${valueName(value)}${number} into Go struct field ${struct}.${way.goPath} of type ${goType(field)}`,
  );
}
