/** Cron schedules: five fields, or a descriptor. Errors are those of robfig/cron, which Kubernetes uses. */
import { parseDuration } from "./duration.ts";
import { goQuote } from "./go-format.ts";
import { intlZone } from "./time-zone.ts";

/** A schedule of five cron fields, or a descriptor. */
export type Schedule =
  | { everyMs: number }
  | {
      minutes: Set<number>;
      hours: Set<number>;
      days: Set<number>;
      months: Set<number>;
      weekdays: Set<number>;
      /** Days of month and of week must both match; else either one. */
      bothDays: boolean;
    };

/** An invalid schedule. */
export class ScheduleError extends Error {}

const fail = (message: string): never => {
  throw new ScheduleError(message);
};

const shortNames: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const monthNames = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const every = "@every ";

/** Throws a ScheduleError. A leading zone (`TZ=…`) is checked and ignored. */
export function parseSchedule(text: string): Schedule {
  if (text === "") return fail("empty spec string");
  const rest = withoutZone(text);
  if (rest.startsWith("@") && !(rest in shortNames)) return parseEvery(rest);
  const fields = (shortNames[rest] ?? rest).split(/\s+/).filter((field) => field !== "");
  if (fields.length !== 5)
    return fail(`expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`);
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string];
  const minutes = parseField(minute, 0, 59);
  const hours = parseField(hour, 0, 23);
  const days = parseField(day, 1, 31);
  const months = parseField(month, 1, 12, monthNames);
  const weekdays = parseField(weekday, 0, 6, weekdayNames);
  return {
    minutes: minutes.values,
    hours: hours.values,
    days: days.values,
    months: months.values,
    weekdays: weekdays.values,
    bothDays: days.any || weekdays.any,
  };
}

function withoutZone(text: string): string {
  if (!/^(CRON_)?TZ=/.test(text)) return text;
  const end = text.indexOf(" ");
  // robfig/cron reads out of bounds here, and reports Go's runtime error.
  if (end < 0) return fail("invalid schedule format: runtime error: slice bounds out of range [:-1]");
  const zone = text.slice(text.indexOf("=") + 1, end);
  if (zone !== "" && zone !== "Local" && intlZone(zone) === undefined)
    return fail(`provided bad location ${zone}: unknown time zone ${zone}`);
  return text.slice(end).trim();
}

function parseEvery(text: string): Schedule {
  if (!text.startsWith(every)) return fail(`unrecognized descriptor: ${text}`);
  try {
    return { everyMs: Math.max(1000, Math.floor(parseDuration(text.slice(every.length)) / 1000) * 1000) };
  } catch (error) {
    return fail(`failed to parse duration ${text}: ${(error as Error).message}`);
  }
}

function parseInteger(text: string): number {
  const head = `failed to parse int from ${text}: strconv.Atoi: parsing ${goQuote(text)}`;
  if (!/^[+-]?\d+$/.test(text)) return fail(`${head}: invalid syntax`);
  const exact = BigInt(text.replace("+", ""));
  if (BigInt.asIntN(64, exact) !== exact) return fail(`${head}: value out of range`);
  const value = Number(text);
  if (value < 0) return fail(`negative number (${value}) not allowed: ${text}`);
  return value;
}

/** `any`: `*`, which differs from listing all values. */
function parseField(
  field: string,
  min: number,
  max: number,
  names: readonly string[] = [],
): { values: Set<number>; any: boolean } {
  const number = (text: string): number => {
    const named = names.indexOf(text.toLowerCase());
    return named >= 0 ? named + min : parseInteger(text);
  };
  const values = new Set<number>();
  let any = false;
  for (const part of field.split(",")) {
    if (part === "") continue;
    const [range = "", stepText, ...moreSteps] = part.split("/");
    const [first = "", last, ...moreEnds] = range.split("-");
    const all = first === "*" || first === "?";
    let [from, to] = [min, max];
    if (!all) {
      from = number(first);
      if (moreEnds.length > 0) return fail(`too many hyphens: ${part}`);
      to = last === undefined ? from : number(last);
    }
    if (moreSteps.length > 0) return fail(`too many slashes: ${part}`);
    const step = stepText === undefined ? 1 : parseInteger(stepText);
    // `5/10`: from 5 on.
    if (stepText !== undefined && last === undefined) to = max;
    if (from < min) return fail(`beginning of range (${from}) below minimum (${min}): ${part}`);
    if (to > max) return fail(`end of range (${to}) above maximum (${max}): ${part}`);
    if (from > to) return fail(`beginning of range (${from}) beyond end of range (${to}): ${part}`);
    if (step < 1) return fail(`step of range should be a positive number: ${part}`);
    if (all && step === 1) any = true;
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return { values, any };
}
