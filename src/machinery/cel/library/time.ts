/** Timestamps and durations: RFC 3339, Go's notation, and their parts. */
import { CelEvaluationError } from "../errors.ts";
import type { Library } from "../functions.ts";
import type { CelDuration, CelTimestamp } from "../values.ts";

const billion = 1_000_000_000n;

const units: Record<string, bigint> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: billion,
  m: 60n * billion,
  h: 3600n * billion,
};

/** Go's time.ParseDuration, in nanoseconds; undefined for an invalid one. */
export function parseDurationText(text: string): bigint | undefined {
  const sign = text.startsWith("-") ? -1n : 1n;
  const rest = text.replace(/^[+-]/, "");
  if (rest === "0") return 0n;
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) return undefined;
  let nanos = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of rest.matchAll(
    /(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g,
  )) {
    const size = units[unit] ?? 0n;
    nanos += BigInt(whole || "0") * size;
    if (fraction !== "") nanos += (BigInt(fraction) * size) / 10n ** BigInt(fraction.length);
  }
  return nanos > 2n ** 63n - 1n ? undefined : sign * nanos;
}

/** Seconds with the necessary digits: `1.5s`. */
export function durationText(nanos: bigint): string {
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = String(size % billion)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${nanos < 0n ? "-" : ""}${size / billion}${fraction === "" ? "" : `.${fraction}`}s`;
}

const form = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/;

/** RFC 3339, in nanoseconds since 1970; undefined for an invalid one. */
export function parseTimestampText(text: string): bigint | undefined {
  const found = form.exec(text);
  if (!found) return undefined;
  const [, date, time, fraction = "", zone] = found;
  const millis = Date.parse(`${date}T${time}${zone}`);
  if (Number.isNaN(millis)) return undefined;
  return BigInt(millis) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
}

const millisOf = (nanos: bigint): number =>
  Number((nanos - (((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n);

export function timestampText(moment: bigint, offsetMinutes = 0): string {
  const nanos = moment + BigInt(offsetMinutes) * 60n * billion;
  const rest = ((nanos % billion) + billion) % billion;
  const fraction = String(rest).padStart(9, "0").replace(/0+$/, "");
  const seconds = new Date(millisOf(nanos - rest)).toISOString().slice(0, 19);
  return `${seconds}${fraction === "" ? "" : `.${fraction}`}${zoneText(offsetMinutes)}`;
}

const two = (value: number): string => String(value).padStart(2, "0");

function zoneText(offsetMinutes: number): string {
  if (offsetMinutes === 0) return "Z";
  const size = Math.abs(offsetMinutes);
  return `${offsetMinutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** The offset at the end of a timestamp's text, in minutes. */
export function offsetOf(text: string): number {
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)$/.exec(text) ?? [];
  return sign === undefined ? 0 : (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** The local time in a zone, as if it were UTC. */
function inZone({ nanos }: CelTimestamp, zone: string): Date {
  const at = new Date(millisOf(nanos));
  if (zone === "" || zone === "UTC") return at;
  const offset = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (offset) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3]);
    return new Date(at.getTime() + (offset[1] === "-" ? -minutes : minutes) * 60_000);
  }
  try {
    const parts = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    }).formatToParts(at);
    const part = (type: string): number => Number(parts.find((each) => each.type === type)?.value);
    return new Date(
      Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second")) +
        (((at.getTime() % 1000) + 1000) % 1000),
    );
  } catch {
    throw new CelEvaluationError(`unknown time zone ${zone}`);
  }
}

const getters: Record<string, (date: Date) => number> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDayOfYear: (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDate: (date) => date.getUTCDate(),
  getDayOfWeek: (date) => date.getUTCDay(),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

function timeGetters(): Library {
  const made: Record<string, (meter: unknown, at: CelTimestamp, zone?: string) => bigint> = {};
  for (const [name, getter] of Object.entries(getters)) {
    made[`timestamp.${name}(): int`] = (_meter, at) => BigInt(getter(inZone(at, "")));
    made[`timestamp.${name}(string): int`] = (_meter, at, zone = "") => BigInt(getter(inZone(at, zone)));
  }
  return made;
}

export const times: Library = {
  ...timeGetters(),
  "duration.getHours(): int": (_meter, { nanos }: CelDuration) => nanos / (3600n * billion),
  "duration.getMinutes(): int": (_meter, { nanos }: CelDuration) => nanos / (60n * billion),
  "duration.getSeconds(): int": (_meter, { nanos }: CelDuration) => nanos / billion,
  "duration.getMilliseconds(): int": (_meter, { nanos }: CelDuration) => nanos / 1_000_000n,
};
