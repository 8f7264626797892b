import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGoTime } from "./go-time.ts";

test("times are read in UTC, cut off at what is kept of a second", () => {
  const cases: readonly (readonly [string, 0 | 6, string | undefined])[] = [
    ["2020-01-02T03:04:05Z", 0, "2020-01-02T03:04:05Z"],
    ["2020-01-02T03:04:05.987654321Z", 0, "2020-01-02T03:04:05Z"],
    ["2020-01-02T03:04:05,9Z", 0, "2020-01-02T03:04:05Z"],
    ["2020-01-02T3:04:05+01:30", 0, "2020-01-02T01:34:05Z"],
    ["2020-02-29T23:59:59-00:00", 0, "2020-02-29T23:59:59Z"],
    ["2020-01-02T03:04:05.000120Z", 6, "2020-01-02T03:04:05.000120Z"],
    ["0001-01-01T00:00:00Z", 0, undefined],
    ["0001-01-01T01:00:00.000000+01:00", 6, undefined],
  ];
  for (const [text, digits, expected] of cases) assert.equal(parseGoTime(text, digits), expected, text);
});

test("what is no time is named as Go names it", () => {
  const layout = '"2006-01-02T15:04:05Z07:00"';
  const cases: readonly (readonly [string, string])[] = [
    ["", `parsing time "" as ${layout}: cannot parse "" as "2006"`],
    ["2020-01-01", `parsing time "2020-01-01" as ${layout}: cannot parse "" as "T"`],
    ["2020-13-01T00:00:00Z", 'parsing time "2020-13-01T00:00:00Z": month out of range'],
    ["2021-02-29T00:00:00Z", 'parsing time "2021-02-29T00:00:00Z": day out of range'],
    ["2020-01-01T24:00:00Z", 'parsing time "2020-01-01T24:00:00Z": hour out of range'],
    [
      "2020-01-01T00:00:00+0100",
      `parsing time "2020-01-01T00:00:00+0100" as ${layout}: cannot parse "+0100" as "Z07:00"`,
    ],
    ["2020-01-01T00:00:00Zé", 'parsing time "2020-01-01T00:00:00Z\\xc3\\xa9": extra text: "\\xc3\\xa9"'],
  ];
  for (const [text, message] of cases) assert.throws(() => parseGoTime(text, 0), { message });
  assert.throws(() => parseGoTime("2020-01-01T00:00:00.5Z", 6), {
    message:
      'parsing time "2020-01-01T00:00:00.5Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse ".5Z" as ".000000"',
  });
});
