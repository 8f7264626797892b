/** Results of expressions that change objects: `Object{...}` with nested ones, and `JSONPatch{...}` (KEP-3962). */
import { ForeignValue } from "../apply/shape.ts";
import { CelEvaluationError } from "./errors.ts";
import { type CelType, dyn, objectOf, opaque, string } from "./types.ts";
import {
  CelDuration,
  CelMessage,
  CelOpaque,
  CelOptional,
  CelTimestamp,
  type CelValue,
  CelUint,
} from "./values.ts";
import { durationText, timestampText } from "./library/time.ts";

const anything = { get: () => dyn };
const patchFields: Readonly<Record<string, CelType>> = { op: string, path: string, from: string, value: dyn };
/** Any other field of a JSON patch has a type without values. */
const nothing: CelType = opaque("");

const ofPatch = {
  get: (name: string) => (Object.hasOwn(patchFields, name) ? patchFields[name] : nothing),
};

/** Types by name: `Object.spec.template` is that of the field. */
export function patchMessages(name: string): CelType | undefined {
  if (name === "JSONPatch") return objectOf(name, ofPatch);
  return name === "Object" || name.startsWith("Object.") ? objectOf(name, anything) : undefined;
}

/** Checks that each type name is that of the field it is in. Throws CelEvaluationError with a line per error. */
export function checkTypeNames(value: CelValue): void {
  if (!(value instanceof CelMessage)) return;
  const problems: string[] = [];
  collect(value, value.type, problems);
  if (problems.length > 0) throw new CelEvaluationError(`type mismatch: ${problems.join("\n")}`);
}

function collect(value: CelValue, path: string, problems: string[]): void {
  if (value instanceof CelMessage) {
    if (value.type !== path)
      problems.push(
        `unexpected type name ${JSON.stringify(value.type)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`,
      );
    for (const [name, each] of value) collect(each, `${path}.${name}`, problems);
  } else if (Array.isArray(value)) for (const each of value) collect(each, path, problems);
  else if (value instanceof Map) for (const each of value.values()) collect(each, path, problems);
}

const exact = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value;

/** Converts values without an equivalent in JSON. */
type Foreign = (value: object | null) => unknown;

/** Converts values to JSON; `foreign` converts null and values without an equivalent. */
function converted(value: CelValue, foreign: Foreign, badKey: (key: CelValue) => Error): unknown {
  if (typeof value === "bigint") return exact(value);
  if (value === null) return foreign(null);
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((each) => converted(each, foreign, badKey));
  if (value instanceof CelOptional)
    return value.value === undefined ? null : converted(value.value, foreign, badKey);
  if (!(value instanceof Map)) return foreign(value);
  const made: Record<string, unknown> = {};
  for (const [key, each] of value) {
    if (typeof key !== "string") throw badKey(key);
    const item = converted(typeof each === "function" ? each() : each, foreign, badKey);
    Object.defineProperty(made, key, { value: item, enumerable: true, writable: true, configurable: true });
  }
  return made;
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** An object as an applied configuration. Values that no field can have become `ForeignValue`s. Throws CelEvaluationError. */
export function configurationOfCel(value: CelMessage): Record<string, unknown> {
  const bad = (): Error => new CelEvaluationError("invalid return type: *dynamic.ObjectVal");
  return converted(value, foreignValue, bad) as Record<string, unknown>;
}

function foreignValue(value: object | null): ForeignValue {
  if (value === null) return new ForeignValue("structpb.NullValue", "NULL_VALUE", "0", null);
  if (value instanceof CelUint)
    return new ForeignValue(
      "uint64",
      String(value.value),
      `0x${value.value.toString(16)}`,
      exact(value.value),
    );
  if (value instanceof Uint8Array) {
    const hex = [...value].map((byte) => `0x${byte.toString(16)}`);
    return new ForeignValue("[]uint8", `[${value.join(" ")}]`, `[]uint8{${hex.join(", ")}}`, base64(value));
  }
  if (value instanceof CelTimestamp) {
    const text = timestampText(value.nanos);
    const [, day = "", time = ""] = /^(.*)T(.*)Z$/.exec(text) ?? [];
    return new ForeignValue("time.Time", `${day} ${time} +0000 UTC`, text, text);
  }
  if (value instanceof CelDuration) {
    const text = durationText(value.nanos);
    return new ForeignValue("time.Duration", text, String(value.nanos), text);
  }
  const text = value instanceof CelOpaque ? value.key : "";
  return new ForeignValue("interface {}", text, text, text);
}

/** A value of a JSON patch, as in google.protobuf.Value: integers beyond 2^53 are strings. Throws CelEvaluationError. */
export function patchValueOfCel(value: CelValue): unknown {
  const fail = (why: string): Error =>
    new CelEvaluationError(
      `JSONPath valueExpression evaluated to a type that could not marshal to JSON: ${why}`,
    );
  const foreign: Foreign = (each) => {
    if (each === null) return null;
    if (each instanceof CelUint) return inexact(exact(each.value));
    if (each instanceof Uint8Array) return base64(each);
    if (each instanceof CelTimestamp) return timestampText(each.nanos);
    if (each instanceof CelDuration) return durationText(each.nanos);
    if (each instanceof CelOpaque)
      throw fail(`type conversion error from '${each.type.split(".").at(-1)}' to '*structpb.Value'`);
    throw fail("type conversion not supported for 'type'");
  };
  const bad = (): Error => fail("unsupported type conversion");
  return inexact(converted(value, foreign, bad));
}

function inexact(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map(inexact);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, inexact(each)]));
}
