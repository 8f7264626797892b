/**
 * Run-time values: int is bigint, double is number, lists are arrays, maps and messages are Maps; other JSON values are
 * themselves, and values without JSON have classes here.
 */
import { CelEvaluationError, noSuchOverload } from "./errors.ts";
import type { Meter } from "./meter.ts";
import type { CelType } from "./types.ts";

export type CelValue = unknown;

export class CelUint {
  readonly value: bigint;
  constructor(value: bigint) {
    if (value < 0n || value >= 2n ** 64n) throw new CelEvaluationError("unsigned integer overflow");
    this.value = value;
  }
}

export class CelTimestamp {
  /** Since 1970, in nanoseconds. */
  readonly nanos: bigint;
  /** Of the time zone it was written in, in which it is shown. */
  readonly offsetMinutes: number;
  constructor(nanos: bigint, offsetMinutes = 0) {
    this.nanos = nanos;
    this.offsetMinutes = offsetMinutes;
  }
}

/** The years 1 to 9999: the range of expressions, although objects may have others. */
export function timestampOf(nanos: bigint, offsetMinutes = 0): CelTimestamp {
  const seconds = nanos / 1_000_000_000n;
  if (seconds < -62_135_596_800n || seconds > 253_402_300_799n)
    throw new CelEvaluationError("timestamp overflow");
  return new CelTimestamp(nanos, offsetMinutes);
}

export class CelDuration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    if (nanos > maxInt || nanos < minInt) throw new CelEvaluationError("duration overflow");
    this.nanos = nanos;
  }
}

export class CelOptional {
  static readonly none: CelOptional = new CelOptional(undefined);
  readonly value: CelValue;
  constructor(value: CelValue) {
    this.value = value;
  }
}

export class CelTypeValue {
  readonly type: string;
  constructor(type: string) {
    this.type = type;
  }
}

/** Kubernetes' own types; `key` says when two are equal. */
export class CelOpaque<T = unknown> {
  readonly type: string;
  readonly value: T;
  readonly key: string;
  constructor(type: string, value: T, key: string) {
    this.type = type;
    this.value = value;
    this.key = key;
  }
}

/** A value with a type name; unset fields are null. */
export class CelMessage extends Map<string, CelValue> {
  readonly type: string;
  constructor(type: string) {
    super();
    this.type = type;
  }
}

export const maxInt = 2n ** 63n - 1n;
export const minInt = -(2n ** 63n);

export function toInt(value: bigint): bigint {
  if (value > maxInt || value < minInt) throw new CelEvaluationError("integer overflow");
  return value;
}

/** The name of the value's type, without parameters. */
export function nameOfType(value: CelValue): string {
  switch (typeof value) {
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "string":
      return "string";
    case "boolean":
      return "bool";
    default:
  }
  if (value === null) return "null_type";
  if (Array.isArray(value)) return "list";
  if (value instanceof CelMessage) return value.type;
  if (value instanceof Map) return "map";
  if (value instanceof CelUint) return "uint";
  if (value instanceof CelTimestamp) return "google.protobuf.Timestamp";
  if (value instanceof CelDuration) return "google.protobuf.Duration";
  if (value instanceof CelOptional) return "optional_type";
  if (value instanceof CelTypeValue) return "type";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof CelOpaque) return value.type;
  throw noSuchOverload();
}

const runtimeNames: Record<string, string> = {
  null: "null_type",
  timestamp: "google.protobuf.Timestamp",
  duration: "google.protobuf.Duration",
};

/** Whether an overload's parameter accepts the value; a list is checked by its first item, maps are not inspected. */
export function fits(value: CelValue, type: CelType): boolean {
  switch (type.kind) {
    case "param":
      return true;
    case "list":
      return Array.isArray(value) && (value.length === 0 || fits(value[0], type.of));
    case "map":
      return value instanceof Map && !(value instanceof CelMessage);
    case "object":
      return value instanceof Map;
    case "optional":
      return value instanceof CelOptional;
    case "type":
      return value instanceof CelTypeValue;
    default:
      return type.name === "dyn" || nameOfType(value) === (runtimeNames[type.name] ?? type.name);
  }
}

const numeric = (value: CelValue): bigint | number | undefined =>
  value instanceof CelUint
    ? value.value
    : typeof value === "bigint" || typeof value === "number"
      ? value
      : undefined;

/** The equal key in a map: numbers are equal whatever their type. undefined when there is none. */
export function keyIn(map: ReadonlyMap<CelValue, CelValue>, key: CelValue, meter: Meter): CelValue {
  if (map.has(key)) return key;
  const number = numeric(key);
  if (number === undefined || !Number.isInteger(Number(number))) return undefined;
  const whole = BigInt(number);
  if (map.has(whole)) return whole;
  // uint keys are objects: only the few maps with them need a search.
  for (const each of map.keys()) {
    if (!(each instanceof CelUint)) continue;
    meter.step(0.1);
    if (each.value === whole) return each;
  }
  return undefined;
}

/** Identifies the items of a list that is a set or a map. */
export type ItemKey = (item: CelValue) => string;

interface Unordered {
  readonly keyOf: ItemKey;
  /** Of the list's own items. */
  readonly keys: readonly string[];
}

const unordered = new WeakMap<readonly CelValue[], Unordered>();

/**
 * Marks a list as a set or a map: order and duplicates do not matter. `keys`: of its items, where they differ from those that
 * `keyOf` would find.
 */
export function markUnordered(
  list: CelValue[],
  keyOf: ItemKey,
  keys: readonly string[] = list.map(keyOf),
): CelValue[] {
  unordered.set(list, { keyOf, keys });
  return list;
}

/** The key of a scalar value. */
export const scalarKey: ItemKey = (value) =>
  value instanceof CelTimestamp || value instanceof CelDuration
    ? `${nameOfType(value)} ${value.nanos}`
    : `${typeof value} ${String(value)}`;

function sameItems(
  { keyOf, keys }: Unordered,
  a: readonly CelValue[],
  b: readonly CelValue[],
  meter: Meter,
): boolean {
  const items = new Map(a.map((each, i) => [keys[i], each]));
  return b.every((each) => {
    const mine = items.get(keyOf(each));
    return mine !== undefined && equal(mine, each, meter);
  });
}

/** Concatenates lists; sets and maps are merged by key, with the second list's items of a map. */
export function joinLists(a: readonly CelValue[], b: readonly CelValue[]): CelValue[] {
  const marked = unordered.get(a);
  if (!marked) return [...a, ...b];
  const { keyOf, keys } = marked;
  const items = new Map<string, CelValue>();
  for (const [i, each] of a.entries()) items.set(keys[i] as string, each);
  for (const each of b) items.set(keyOf(each), each);
  return markUnordered([...items.values()], keyOf, [...items.keys()]);
}

/** Equality across types: numbers by value, other values only within their type. */
export function equal(a: CelValue, b: CelValue, meter: Meter): boolean {
  meter.step();
  const x = numeric(a);
  // oxlint-disable-next-line eqeqeq -- compares a bigint with a number by value
  if (x !== undefined) return x == (numeric(b) as unknown);
  if (typeof a === "string") {
    meter.text(a);
    return a === b;
  }
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return a === b;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    const marked = unordered.get(a);
    return marked ? sameItems(marked, a, b, meter) : a.every((each, i) => equal(each, b[i], meter));
  }
  if (a instanceof Map) {
    if (!(b instanceof Map) || a.size !== b.size) return false;
    if ((a instanceof CelMessage ? a.type : "") !== (b instanceof CelMessage ? b.type : "")) return false;
    for (const [key, value] of a) {
      const other = keyIn(b, key, meter);
      if (other === undefined || !equal(value, b.get(other), meter)) return false;
    }
    return true;
  }
  if (a instanceof CelTimestamp) return b instanceof CelTimestamp && a.nanos === b.nanos;
  if (a instanceof CelDuration) return b instanceof CelDuration && a.nanos === b.nanos;
  if (a instanceof CelTypeValue) return b instanceof CelTypeValue && a.type === b.type;
  if (a instanceof CelOpaque) return b instanceof CelOpaque && a.type === b.type && a.key === b.key;
  if (a instanceof CelOptional)
    return (
      b instanceof CelOptional &&
      (a.value === undefined || b.value === undefined ? a.value === b.value : equal(a.value, b.value, meter))
    );
  if (a instanceof Uint8Array)
    return b instanceof Uint8Array && a.length === b.length && a.every((each, i) => each === b[i]);
  return false;
}

/** Negative, zero or positive; only for ordered types. */
export function compare(a: CelValue, b: CelValue): number {
  const x = numeric(a);
  const y = numeric(b);
  if (x !== undefined && y !== undefined) {
    if (Number.isNaN(x) || Number.isNaN(y)) throw new CelEvaluationError("NaN values cannot be ordered");
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (typeof a === "string" && typeof b === "string") return a === b ? 0 : byCodePoint(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (
    (a instanceof CelTimestamp && b instanceof CelTimestamp) ||
    (a instanceof CelDuration && b instanceof CelDuration)
  )
    return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    for (let i = 0; i < Math.min(a.length, b.length); i++)
      if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
    return a.length - b.length;
  }
  throw noSuchOverload();
}

/** Go orders strings by their UTF-8 bytes, which is the order of code points and not that of UTF-16 units. */
function byCodePoint(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  const x = a.codePointAt(i) ?? -1;
  const y = b.codePointAt(i) ?? -1;
  const surrogate = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;
  // Within a pair: second halves are ordered themselves.
  if (surrogate(x) && surrogate(y)) return x - y;
  return x - y;
}
