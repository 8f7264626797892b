/** Short texts that stand in queries and in fields: each is refused in its own words, or means the same however it is written. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeContinue, encodeContinue } from "../../src/apiserver/verbs/continue-token.ts";
import { versionProblem, wholeNumber } from "../../src/apiserver/verbs/list-options.ts";
import { parseAccept } from "../../src/apiserver/codec/negotiate.ts";
import {
  compileRegexp,
  formatDuration,
  GoTimeError,
  parseDuration,
  parseGoTime,
  parseGoUrl,
  parseLabelSelector,
  parseSchedule,
  ScheduleError,
  SelectorError,
  StatusError,
} from "../../src/machinery/index.ts";
import { fuzz } from "../../src/testing/index.ts";

const runs = 80;

/** Runs `work`; errors of this kind are the input's own fault. */
function allow<T>(kind: new (...parts: never[]) => Error, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof kind) return undefined;
    throw error;
  }
}

test("durations", async () => {
  await fuzz({
    runs,
    seeds: ["1h2m3.5s", "-1.5h", "100ms", "1us2ns", "0", "+5m", ".5s"],
    dictionary: ["h", "m", "s", "ms", "us", "µs", "ns", ".", "-", "+", "9999999999", "constructor"],
    run(input) {
      const ms = allow(RangeError, () => parseDuration(input.toString()));
      if (ms === undefined) return;
      assert.ok(!Number.isNaN(ms));
      // Beyond what 64 bits hold of nanoseconds nobody writes them.
      if (Math.abs(ms) > 1e10 || Math.abs(ms) < 1) return;
      assert.ok(Math.abs(parseDuration(formatDuration(ms)) - ms) < 1e-3, `${ms} ${formatDuration(ms)}`);
    },
  });
});

test("schedules", async () => {
  await fuzz({
    runs,
    seeds: [
      "*/5 0-6 1,15 jan-mar mon",
      "@every 1h",
      "TZ=UTC 0 0 * * ?",
      "@daily",
      "CRON_TZ=Europe/Paris 5/10 * * * 0",
    ],
    dictionary: ["*", "?", "/", "-", ",", "@hourly", "@every ", "TZ=", "dec", "sun", "59", "31", "__proto__"],
    run(input) {
      const schedule = allow(ScheduleError, () => parseSchedule(input.toString()));
      if (!schedule) return;
      if ("everyMs" in schedule) assert.ok(schedule.everyMs >= 1000);
      else {
        const within = (values: Set<number>, low: number, high: number): void => {
          for (const value of values) assert.ok(Number.isInteger(value) && value >= low && value <= high);
        };
        within(schedule.minutes, 0, 59);
        within(schedule.hours, 0, 23);
        within(schedule.days, 1, 31);
        within(schedule.months, 1, 12);
        within(schedule.weekdays, 0, 6);
      }
    },
  });
});

test("label selectors: written and read again they select the same", async () => {
  const labels: Record<string, string>[] = [
    {},
    { a: "b" },
    { a: "7", d: "" },
    { "a/b": "c", x: "5" },
    { a: "-1" },
  ];
  await fuzz({
    runs,
    seeds: ["a=b", "a!=b,c", "a in (b,c)", "a notin (b),!d", "x > 5, y<3", "example.com/a==b", "a in (,b)"],
    dictionary: ["in", "notin", "(", ")", ",", "=", "==", "!=", "!", ">", "<", " ", "a/b", "__proto__"],
    run(input) {
      const selector = allow(SelectorError, () => parseLabelSelector(input.toString()));
      if (!selector) return;
      const again = parseLabelSelector(selector.toString());
      assert.equal(again.toString(), selector.toString());
      for (const each of labels)
        assert.equal(again.matches(each), selector.matches(each), JSON.stringify(each));
    },
  });
});

test("continue tokens", async () => {
  await fuzz({
    runs,
    seeds: [
      '{"v":"meta.k8s.io/v1","rv":7,"start":"a"}',
      '{"v":"meta.k8s.io/v1","rv":-1,"start":"/x/y\\u0000"}',
      "[null]",
    ],
    dictionary: [
      '"rv":',
      '"v":',
      '"start":',
      "null",
      "1e3",
      "9223372036854775808",
      "../",
      "//",
      "{}",
      '"RV":',
    ],
    run(input) {
      for (const text of [input.toString("latin1"), input.toString("base64url")]) {
        const token = allow(StatusError, () => decodeContinue(text));
        if (!token) continue;
        assert.ok(Number.isInteger(token.revision) && token.revision !== 0);
        if (token.start !== "") assert.deepEqual(decodeContinue(encodeContinue(token)), token);
      }
    },
  });
});

test("numbers and versions of queries", async () => {
  await fuzz({
    runs,
    seeds: ["0", "-1", "+7", "18446744073709551615", "00", "1e3", " 1"],
    dictionary: ["-", "+", "_", "0x", "9223372036854775807", "\u0663"],
    run(input) {
      const text = input.toString();
      const number = allow(StatusError, () => wholeNumber(text));
      if (number !== undefined) assert.equal(BigInt(number), BigInt(Number(BigInt(text.replace("+", "")))));
      if (text !== "" && versionProblem(text) === undefined) assert.ok(BigInt(text) < 2n ** 64n);
    },
  });
});

test("moments", async () => {
  await fuzz({
    runs,
    seeds: [
      "2024-02-29T23:59:59Z",
      "2024-01-01T00:00:00.123456+05:30",
      "0001-01-01T00:00:00Z",
      "9999-12-31T23:59:60Z",
    ],
    dictionary: ["T", "Z", "-", ":", ".", "+00:00", "-24:00", "02-30", "24:00:00"],
    run(input) {
      for (const digits of [0, 6] as const) {
        const moment = allow(GoTimeError, () => parseGoTime(input.toString(), digits));
        if (moment === undefined) continue;
        assert.equal(parseGoTime(moment, digits), moment);
        assert.ok(!Number.isNaN(Date.parse(moment)) || /^\d{5,}|^-/.test(moment), moment);
      }
    },
  });
});

test("addresses", async () => {
  await fuzz({
    runs,
    seeds: ["https://a.b:443/c?d=e#f", "http://[::1%25en0]:80/", "mailto:x@y", "//u:p@h/%2f", "/a/../b"],
    dictionary: ["%", "%zz", "[", "]", "@", ":", "//", "?", "#", "\0", "\x7f", "https://"],
    run(input) {
      const url = parseGoUrl(input.toString());
      if (typeof url === "string") assert.notEqual(url, "");
    },
  });
});

test("Accept headers", async () => {
  await fuzz({
    runs,
    seeds: ["application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "*/*;q=0.1,text/html", ""],
    dictionary: [";q=", ",", ";", "=", "*", "NaN", "Infinity", "__proto__=1", '"'],
    run(input) {
      for (const { type, parameters } of parseAccept(input.toString())) {
        assert.equal(typeof type, "string");
        for (const each of Object.values(parameters)) assert.equal(typeof each, "string");
      }
      assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
    },
  });
});

test("regular expressions find what JavaScript's find, where both know them", async () => {
  const texts = ["", "a", "ab", "aab", "abcabc", "cab\nba", "bbbbb", "xaxbxc"];
  await fuzz({
    runs,
    seeds: ["^a+b?$", "(a|b)*c", "[^ab]+", "a{2,3}", "x*?y", "(?:ab)+|c", "\\d\\w\\s", "a.c"],
    dictionary: ["a", "b", "c", "*", "+", "?", "|", "(", ")", "[", "]", "^", "$", "{1,2}", "(?:", "."],
    run(input) {
      const pattern = input.toString("latin1");
      const compiled = compileRegexp(pattern);
      if (typeof compiled === "string") {
        assert.match(compiled, /^error parsing regexp: /);
        return;
      }
      for (const text of texts) compiled.test(text);
      // Counts of what may be nothing, and line feeds before the end, are where the two differ.
      if (
        pattern.length > 24 ||
        !/^[abcx*+?|()[\]^.$:]*$/.test(pattern) ||
        /\[[\]^]|[*+?)][*+?]|[*+?|(^$]\)/.test(pattern)
      )
        return;
      let own: RegExp;
      try {
        own = new RegExp(pattern);
      } catch {
        return;
      }
      for (const text of texts) {
        assert.equal(compiled.test(text), own.test(text), JSON.stringify([pattern, text]));
        const [found] = compiled.all(text, 1);
        assert.equal(found, own.exec(text)?.[0], JSON.stringify([pattern, text]));
      }
    },
  });
});
