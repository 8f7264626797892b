/** Sizes and conversions between the types of the language. */
import { CelEvaluationError } from "../errors.ts";
import type { Library } from "../functions.ts";
import {
  CelDuration,
  CelTimestamp,
  CelTypeValue,
  type CelValue,
  CelUint,
  maxInt,
  minInt,
  nameOfType,
  timestampOf,
  toInt,
} from "../values.ts";
import { durationText, offsetOf, parseDurationText, parseTimestampText, timestampText } from "./time.ts";

const lettersOf = (text: string): number => {
  let count = 0;
  // Surrogate pairs are one character.
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) !== 0xdc00) count++;
  return count;
};

/** cel-go has one error for all texts, without the reason. */
const noValue = (type: string): never => {
  throw new CelEvaluationError(`type conversion error from 'string' to '${type}'`);
};

function intOf(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) return noValue("int");
  const value = BigInt(text.replace(/^\+/, ""));
  return value > maxInt || value < minInt ? noValue("int") : value;
}

function uintOf(text: string): CelUint {
  if (!/^\d+$/.test(text)) return noValue("uint");
  const value = BigInt(text);
  return value >= 2n ** 64n ? noValue("uint") : new CelUint(value);
}

function doubleOf(text: string): number {
  if (/^[+-]?(inf|infinity)$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return noValue("double");
  const value = Number(text);
  return Number.isFinite(value) ? value : noValue("double");
}

const truths = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const lies = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/** A float64 as printed by Go's %g: the shortest exact digits, with an exponent from a million up. */
export function doubleText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const text = value.toExponential();
  const exponent = Number(text.slice(text.indexOf("e") + 1));
  // V8 prints these without an exponent.
  if (exponent >= -4 && exponent < 6) return String(value);
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

const wholeOf = (value: number): bigint => {
  if (!Number.isFinite(value)) throw new CelEvaluationError("integer overflow");
  return toInt(BigInt(Math.trunc(value)));
};

const same = (_meter: unknown, value: CelValue): CelValue => value;

export const conversions: Library = {
  "size(string): int": (meter, text: string) => {
    meter.text(text);
    return BigInt(lettersOf(text));
  },
  "size(bytes): int": (_meter, value: Uint8Array) => BigInt(value.length),
  "size(list<A>): int": (_meter, list: CelValue[]) => BigInt(list.length),
  "size(map<A, B>): int": (_meter, map: Map<CelValue, CelValue>) => BigInt(map.size),
  "string.size(): int": (meter, text: string) => {
    meter.text(text);
    return BigInt(lettersOf(text));
  },
  "bytes.size(): int": (_meter, value: Uint8Array) => BigInt(value.length),
  "list<A>.size(): int": (_meter, list: CelValue[]) => BigInt(list.length),
  "map<A, B>.size(): int": (_meter, map: Map<CelValue, CelValue>) => BigInt(map.size),
  "type(A): type<A>": (_meter, value: CelValue) => new CelTypeValue(nameOfType(value)),
  "dyn(A): dyn": same,
  "int(int): int": same,
  "int(uint): int": (_meter, value: CelUint) => toInt(value.value),
  "int(double): int": (_meter, value: number) => wholeOf(value),
  "int(string): int": (_meter, text: string) => intOf(text),
  "int(timestamp): int": (_meter, value: CelTimestamp) => value.nanos / 1_000_000_000n,
  "int(duration): int": (_meter, value: CelDuration) => value.nanos,
  "uint(uint): uint": same,
  "uint(int): uint": (_meter, value: bigint) => new CelUint(value),
  "uint(double): uint": (_meter, value: number) => new CelUint(wholeOf(value)),
  "uint(string): uint": (_meter, text: string) => uintOf(text),
  "double(double): double": same,
  "double(int): double": (_meter, value: bigint) => Number(value),
  "double(uint): double": (_meter, value: CelUint) => Number(value.value),
  "double(string): double": (_meter, text: string) => doubleOf(text),
  "bool(bool): bool": same,
  "bool(string): bool": (_meter, text: string) => {
    if (truths.has(text)) return true;
    return lies.has(text) ? false : noValue("bool");
  },
  "string(string): string": same,
  "string(bool): string": (_meter, value: boolean) => String(value),
  "string(int): string": (_meter, value: bigint) => String(value),
  "string(uint): string": (_meter, value: CelUint) => String(value.value),
  "string(double): string": (_meter, value: number) => doubleText(value),
  "string(bytes): string": (_meter, value: Uint8Array) => {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(value);
    } catch {
      throw new CelEvaluationError("invalid UTF-8 in bytes, cannot convert to string");
    }
  },
  "string(timestamp): string": (_meter, value: CelTimestamp) =>
    timestampText(value.nanos, value.offsetMinutes),
  "string(duration): string": (_meter, value: CelDuration) => durationText(value.nanos),
  "bytes(bytes): bytes": same,
  "bytes(string): bytes": (_meter, text: string) => new TextEncoder().encode(text),
  "timestamp(timestamp): timestamp": same,
  "timestamp(string): timestamp": (_meter, text: string) => {
    const nanos = parseTimestampText(text);
    return timestampOf(nanos ?? noValue("google.protobuf.Timestamp"), offsetOf(text));
  },
  "timestamp(int): timestamp": (_meter, seconds: bigint) => timestampOf(seconds * 1_000_000_000n),
  "duration(duration): duration": same,
  "duration(string): duration": (_meter, text: string) => {
    return new CelDuration(parseDurationText(text) ?? noValue("google.protobuf.Duration"));
  },
  "duration(int): duration": (_meter, nanos: bigint) => new CelDuration(nanos),
};
