/** `"%s has %d".format([...])`. */
import { CelEvaluationError } from "../errors.ts";
import type { Meter } from "../meter.ts";
import {
  CelDuration,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  type CelValue,
  CelUint,
  nameOfType,
} from "../values.ts";
import { doubleText } from "./conversions.ts";
import { durationText, timestampText } from "./time.ts";

const whole = (value: CelValue): bigint | undefined =>
  typeof value === "bigint" ? value : value instanceof CelUint ? value.value : undefined;

function refuse(clause: string, wanted: string, value: CelValue): never {
  throw new CelEvaluationError(
    `error during formatting: ${clause} clause can only be used on ${wanted}, was given ${nameOfType(value)}`,
  );
}

const literal = (name: string, value: string, inner: boolean): string =>
  inner ? `${name}(${JSON.stringify(value)})` : value;

/** `1.5×10⁰³`: the notation of Go's message printer for powers of ten (older ones have narrow spaces around the sign). */
function scientific(value: number, precision: number): string {
  const [mantissa = "", exponent = ""] = value.toExponential(precision).split("e");
  const raised = [...exponent.replace(/^[+-]/, "").padStart(2, "0")].map(
    (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)],
  );
  return `${mantissa}×10${exponent.startsWith("-") ? "⁻" : ""}${raised.join("")}`;
}

/** `%s` of any value; strings inside others are quoted. */
function text(value: CelValue, meter: Meter, inner = false): string {
  meter.step();
  if (typeof value === "string") return inner ? JSON.stringify(value) : value;
  if (typeof value === "number")
    return inner && Number.isFinite(value) ? value.toFixed(6) : doubleText(value);
  if (value === null) return "null";
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof CelTimestamp)
    return literal("timestamp", timestampText(value.nanos, value.offsetMinutes), inner);
  if (value instanceof CelDuration) return literal("duration", durationText(value.nanos), inner);
  if (value instanceof CelTypeValue) return value.type;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (value instanceof CelOptional)
    return value.value === undefined ? "optional.none()" : `optional.of(${text(value.value, meter, true)})`;
  if (Array.isArray(value)) return `[${value.map((each) => text(each, meter, true)).join(", ")}]`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, each]): [string, string] => [
      text(key, meter, true),
      text(each, meter, true),
    ]);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, each]) => `${key}:${each}`).join(", ")}}`;
  }
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  return refuse(
    "string",
    "strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
    value,
  );
}

function hex(value: CelValue): string {
  const number = whole(value);
  if (number !== undefined) return number.toString(16);
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  if (!(bytes instanceof Uint8Array))
    return refuse("only integers, byte buffers, and strings can be formatted as hex; hex", "them", value);
  return [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
}

function clause(letter: string, precision: number, value: CelValue, meter: Meter): string {
  const number = whole(value);
  switch (letter) {
    case "s":
      return text(value, meter);
    case "d":
      if (number !== undefined) return String(number);
      if (typeof value === "number" && !Number.isFinite(value)) return doubleText(value);
      return refuse("decimal", "integers", value);
    case "f":
    case "e": {
      const real = number === undefined ? value : Number(number);
      if (typeof real !== "number")
        return refuse(letter === "f" ? "fixed-point" : "scientific", "doubles", value);
      if (!Number.isFinite(real)) return doubleText(real);
      return letter === "f" ? real.toFixed(precision) : scientific(real, precision);
    }
    case "b":
      if (typeof value === "boolean") return value ? "1" : "0";
      return number === undefined ? refuse("binary", "integers and bools", value) : number.toString(2);
    case "o":
      return number === undefined ? refuse("octal", "integers", value) : number.toString(8);
    case "x":
      return hex(value);
    case "X":
      return hex(value).toUpperCase();
    default:
      throw new CelEvaluationError(
        `error during formatting: could not parse formatting clause: unrecognized formatting clause "${letter}"`,
      );
  }
}

export function formatted(meter: Meter, form: string, values: CelValue[]): string {
  meter.text(form);
  let next = 0;
  const made = form.replaceAll(
    /%(?:%|(?:\.(\d+))?(.))/gs,
    (whole_, precision: string | undefined, letter: string) => {
      if (whole_ === "%%") return "%";
      if (next >= values.length) throw new CelEvaluationError(`index ${next} out of range`);
      return clause(letter, Math.min(Number(precision ?? 6), 100), values[next++], meter);
    },
  );
  meter.text(made);
  return made;
}
