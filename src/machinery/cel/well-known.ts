/** Protobuf's messages that have a CEL type of their own: `google.protobuf.Int32Value{value: 1}` is an int that may be null. */
import { CelEvaluationError } from "./errors.ts";
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  int,
  string,
  timestamp,
  uint,
  wrapperOf,
} from "./types.ts";
import { CelDuration, CelTimestamp, CelUint, type CelValue, maxInt, minInt, nameOfType } from "./values.ts";

export interface WellKnown {
  readonly type: CelType;
  readonly fields: ReadonlyMap<string, CelType>;
  /** Throws CelEvaluationError for a value that a field cannot hold. */
  make(values: ReadonlyMap<string, CelValue>): CelValue;
}

/** A number's type in Go, and how it is converted to it. */
interface Native {
  readonly of: CelType;
  readonly name: string;
  readonly none: CelValue;
  convert?(value: CelValue): CelValue;
}

const signed = (bits: number): Native => ({
  of: int,
  name: `int${bits}`,
  none: 0n,
  convert(value: bigint) {
    if (BigInt.asIntN(bits, value) !== value) throw new CelEvaluationError("integer overflow");
    return value;
  },
});
const unsigned = (bits: number): Native => ({
  of: uint,
  name: `uint${bits}`,
  none: new CelUint(0n),
  convert(number: CelUint) {
    if (BigInt.asUintN(bits, number.value) !== number.value)
      throw new CelEvaluationError("unsigned integer overflow");
    return number;
  },
});
const int32 = signed(32);
const int64 = signed(64);

const wrappers: Readonly<Record<string, Native>> = {
  BoolValue: { of: bool, name: "bool", none: false },
  BytesValue: { of: bytes, name: "[]uint8", none: new Uint8Array(0) },
  DoubleValue: { of: double, name: "float64", none: 0 },
  FloatValue: { of: double, name: "float32", none: 0, convert: (value: number) => Math.fround(value) },
  Int32Value: int32,
  Int64Value: int64,
  StringValue: { of: string, name: "string", none: "" },
  UInt32Value: unsigned(32),
  UInt64Value: unsigned(64),
};

const unconvertible: Readonly<Record<string, string>> = {
  string: "unsupported native conversion from string to ",
  bool: "type conversion error from bool to ",
  bytes: "type conversion error from Bytes to ",
  double: "type conversion error from Double to ",
  list: "type conversion error from list to ",
  map: "type conversion error from map to ",
  null_type: "type conversion error from 'null_type' to ",
};

/** The value of a field, or its default. */
function field(
  message: string,
  name: string,
  native: Native,
  values: ReadonlyMap<string, CelValue>,
): CelValue {
  const value: CelValue = values.get(name);
  if (value === undefined) return native.none;
  const problem = (text: string): CelEvaluationError =>
    new CelEvaluationError(
      `field type conversion error for google.protobuf.${message}.${name} value type: ${text}`,
    );
  const type = nameOfType(value);
  if (native.of.kind === "simple" && type !== native.of.name) {
    const words = unconvertible[type];
    throw problem(
      words ? `${words}'${native.name}'` : `unsupported type conversion from '${type}' to ${native.name}`,
    );
  }
  try {
    return native.convert ? native.convert(value) : value;
  } catch (error) {
    throw error instanceof CelEvaluationError ? problem(error.message) : error;
  }
}

const time = (message: string, type: CelType, made: (nanos: bigint) => CelValue): WellKnown => ({
  type,
  fields: new Map([
    ["seconds", int],
    ["nanos", int],
  ]),
  make(values) {
    const seconds = field(message, "seconds", int64, values) as bigint;
    return made(seconds * 1_000_000_000n + (field(message, "nanos", int32, values) as bigint));
  },
});

const clamped = (nanos: bigint): bigint => (nanos > maxInt ? maxInt : nanos < minInt ? minInt : nanos);

const prefix = "google.protobuf.";

/** undefined for other names. */
export function wellKnown(name: string): WellKnown | undefined {
  if (!name.startsWith(prefix)) return undefined;
  const message = name.slice(prefix.length);
  if (message === "Duration") return time(message, duration, (nanos) => new CelDuration(clamped(nanos)));
  if (message === "Timestamp") return time(message, timestamp, (nanos) => new CelTimestamp(nanos));
  const native = Object.hasOwn(wrappers, message) ? wrappers[message] : undefined;
  if (!native) return undefined;
  return {
    type: wrapperOf(native.of),
    fields: new Map([["value", native.of]]),
    make: (values) => field(message, "value", native, values),
  };
}
