/** Computes the next time of a schedule in a time zone. */
import { intlZone, type Schedule } from "../../machinery/index.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** A schedule without a match in this time never matches (30 February). */
const horizonDays = 5 * 366;

/** The first time after `after` (epoch ms), by the clocks of `zone` (IANA name); undefined when there is none. */
export function nextTime(schedule: Schedule, after: number, zone: string): number | undefined {
  if ("everyMs" in schedule) return Math.floor(after / 1000) * 1000 + schedule.everyMs;
  // Local time, as if it were UTC.
  let wall = Math.floor((after + offsetAt(after, zone)) / minuteMs) * minuteMs + minuteMs;
  const end = wall + horizonDays * dayMs;
  while (wall < end) {
    const date = new Date(wall);
    if (!schedule.months.has(date.getUTCMonth() + 1) || !dayFits(schedule, date)) {
      wall = (Math.floor(wall / dayMs) + 1) * dayMs;
    } else if (!schedule.hours.has(date.getUTCHours())) {
      wall = (Math.floor(wall / 3_600_000) + 1) * 3_600_000;
    } else if (!schedule.minutes.has(date.getUTCMinutes())) {
      wall += minuteMs;
    } else {
      const time = fromWall(wall, zone);
      if (time !== undefined && time > after) return time;
      wall += minuteMs;
    }
  }
  return undefined;
}

function dayFits(schedule: Exclude<Schedule, { everyMs: number }>, date: Date): boolean {
  const day = schedule.days.has(date.getUTCDate());
  const weekday = schedule.weekdays.has(date.getUTCDay());
  return schedule.bothDays ? day && weekday : day || weekday;
}

/** Undefined for a time that clocks skip in spring; the first of two in autumn. */
function fromWall(wall: number, zone: string): number | undefined {
  const offsets = [offsetAt(wall - dayMs, zone), offsetAt(wall + dayMs, zone)];
  const times = offsets.map((offset) => wall - offset).filter((time) => time + offsetAt(time, zone) === wall);
  return times.length > 0 ? Math.min(...times) : undefined;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Milliseconds that the clocks of `zone` are ahead of UTC. Throws a RangeError for an unknown zone. */
function offsetAt(time: number, zone: string): number {
  if (zone === "UTC" || zone === "Etc/UTC") return 0;
  let format = formats.get(zone);
  if (!format) {
    const two = "2-digit";
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: intlZone(zone) ?? zone,
      hourCycle: "h23",
      year: "numeric",
      month: two,
      day: two,
      hour: two,
      minute: two,
      second: two,
    });
    formats.set(zone, format);
  }
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(time)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000;
}

/** The latest time in (`since`, `now`]; looks back in growing steps, so that a long pause costs little. */
export function latestTime(schedule: Schedule, since: number, now: number, zone: string): number | undefined {
  for (let window = minuteMs; ; window *= 2) {
    const from = Math.max(since, now - window);
    let found: number | undefined;
    for (let next = nextTime(schedule, from, zone); next !== undefined && next <= now; ) {
      found = next;
      next = nextTime(schedule, next, zone);
    }
    if (found !== undefined || from <= since) return found;
  }
}
