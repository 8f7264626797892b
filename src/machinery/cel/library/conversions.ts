/** Sizes and conversions between the types of the language. */
import { CelEvaluationError } from "../errors.ts";
import type { Library } from "../functions.ts";
import {
  CelDuration,
  CelTimestamp,
  CelTypeValue,
  type CelValue,
  CelUint,
  nameOfType,
  toInt,
} from "../values.ts";
import { durationText, parseDurationText, parseTimestampText, timestampText } from "./time.ts";

export const lettersOf = (text: string): number => {
  let count = 0;
  // Pairs of surrogates are one letter.
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) !== 0xdc00) count++;
  return count;
};

const cannot = (text: string, from: string, to: string): never => {
  throw new CelEvaluationError(`type conversion error from '${from}' to '${to}'${text}`);
};

function intOf(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text))
    throw new CelEvaluationError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = BigInt(text.replace(/^\+/, ""));
  if (value > 2n ** 63n - 1n || value < -(2n ** 63n))
    throw new CelEvaluationError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  return value;
}

function doubleOf(text: string): number {
  if (/^[+-]?(inf|infinity)$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text))
    throw new CelEvaluationError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

const truths = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const lies = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/** As Go's %v prints a float64. */
export function doubleText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -4 && exponent < 21)
    return String(value).includes("e") ? value.toFixed(20).replace(/0+$/, "") : String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
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
  "type(A): type": (_meter, value: CelValue) => new CelTypeValue(nameOfType(value)),
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
  "uint(string): uint": (_meter, text: string) => new CelUint(intOf(text)),
  "double(double): double": same,
  "double(int): double": (_meter, value: bigint) => Number(value),
  "double(uint): double": (_meter, value: CelUint) => Number(value.value),
  "double(string): double": (_meter, text: string) => doubleOf(text),
  "bool(bool): bool": same,
  "bool(string): bool": (_meter, text: string) => {
    if (truths.has(text)) return true;
    return lies.has(text) ? false : cannot("", "string", "bool");
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
  "string(timestamp): string": (_meter, value: CelTimestamp) => timestampText(value.nanos),
  "string(duration): string": (_meter, value: CelDuration) => durationText(value.nanos),
  "bytes(bytes): bytes": same,
  "bytes(string): bytes": (_meter, text: string) => new TextEncoder().encode(text),
  "timestamp(timestamp): timestamp": same,
  "timestamp(string): timestamp": (_meter, text: string) => {
    const nanos = parseTimestampText(text);
    if (nanos === undefined)
      throw new CelEvaluationError(
        `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`,
      );
    return new CelTimestamp(nanos);
  },
  "timestamp(int): timestamp": (_meter, seconds: bigint) => new CelTimestamp(seconds * 1_000_000_000n),
  "duration(duration): duration": same,
  "duration(string): duration": (_meter, text: string) => {
    const nanos = parseDurationText(text);
    if (nanos === undefined) throw new CelEvaluationError(`time: invalid duration ${JSON.stringify(text)}`);
    return new CelDuration(nanos);
  },
  "duration(int): duration": (_meter, nanos: bigint) => new CelDuration(nanos),
};
