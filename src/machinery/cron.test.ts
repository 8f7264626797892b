import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSchedule, ScheduleError } from "./cron.ts";

function problem(text: string): string {
  try {
    parseSchedule(text);
  } catch (error) {
    if (error instanceof ScheduleError) return error.message;
    throw error;
  }
  return "";
}

test("what is wrong with a schedule is said in the words of robfig/cron", () => {
  const atoi = (text: string): string => `failed to parse int from ${text}: strconv.Atoi: parsing "${text}"`;
  for (const [text, wanted] of [
    ["*/5 0-23/2 ?,1 jan-DEC sun", ""],
    [", * * * *", ""],
    ["CRON_TZ=Europe/Berlin 0 0 * * *", ""],
    ["@every 1h30m", ""],
    ["* * *", "expected exactly 5 fields, found 3: [* * *]"],
    [" @daily", "expected exactly 5 fields, found 1: [@daily]"],
    ["60 * * * *", "end of range (60) above maximum (59): 60"],
    ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
    ["* 5-1 * * *", "beginning of range (5) beyond end of range (1): 5-1"],
    ["1-2-3 * * * *", "too many hyphens: 1-2-3"],
    ["1/2/3 * * * *", "too many slashes: 1/2/3"],
    ["*/0 * * * *", "step of range should be a positive number: */0"],
    ["*/-5 * * * *", "negative number (-5) not allowed: -5"],
    ["* * * * mo", `${atoi("mo")}: invalid syntax`],
    ["99999999999999999999 * * * *", `${atoi("99999999999999999999")}: value out of range`],
    ["@often", "unrecognized descriptor: @often"],
    ["@every 5", 'failed to parse duration @every 5: time: missing unit in duration "5"'],
    ["TZ=Nowhere * * * * *", "provided bad location Nowhere: unknown time zone Nowhere"],
    ["TZ=0", "invalid schedule format: runtime error: slice bounds out of range [:-1]"],
  ] as const)
    assert.equal(problem(text), wanted, text);
});

test("a field holds its values; both days count where one of them is any", () => {
  const schedule = parseSchedule("10/20,3 * 13 * 5");
  assert.ok("minutes" in schedule);
  assert.deepEqual([...schedule.minutes].sort(), [10, 3, 30, 50]);
  assert.equal(schedule.bothDays, false);
  const anyDay = parseSchedule("0 0 1,* * 5");
  assert.ok("minutes" in anyDay && anyDay.bothDays);
});
