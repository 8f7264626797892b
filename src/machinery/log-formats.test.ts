import assert from "node:assert/strict";
import { test } from "node:test";
import { componentJsonLine, klogLine, logFormat } from "./log-formats.ts";
import { createLogger, type LogLine } from "./logger.ts";

const at = new Date(2026, 10, 28, 7, 5, 9, 123).getTime();
const line = (more: Partial<LogLine> = {}): LogLine => ({
  at,
  level: "info",
  message: "m",
  fields: {},
  ...more,
});
const error = new Error("it broke");

test("klog's text: a letter, local time, the process, where it was written, and what is told in pairs", () => {
  const text = (more: Partial<LogLine>) => klogLine(line(more), 42, "f.ts:7");
  assert.equal(text({}), 'I1128 07:05:09.123000      42 f.ts:7] "m"\n');
  assert.equal(text({ level: "warn" })[0], "W");
  assert.equal(text({ level: "error" })[0], "E");
  assert.equal(text({ level: "debug" })[0], "I");
  const pairs = (fields: object) =>
    text({ message: 'say "a"', fields: fields as LogLine["fields"] }).replace(/^.*?\] /, "");
  assert.equal(
    pairs({ s: 'q"\t', n: 5, yes: true, list: ["a", 1], none: null, gone: undefined }),
    '"say \\"a\\"" s="q\\"\\t" n=5 yes=true list=["a",1] none=null\n',
  );
  assert.equal(pairs({ text: "one\ntwo", more: 1 }), '"say \\"a\\"" text=<\n\tone\n\ttwo\n > more=1\n');
  assert.equal(pairs({ part: "p", error }), '"say \\"a\\"" err="it broke" part="p"\n');
});

test("an error tells where it happened, a warning only what", () => {
  const told = (level: LogLine["level"]) => klogLine(line({ level, fields: { error } }), 1, "f:1");
  assert.match(told("error"), /err=<\n\tError: it broke\n\t {4}at .*log-formats\.test\.ts/);
  assert.match(told("warn"), /err="it broke"\n$/);
});

test("JSON as Kubernetes' components write it", () => {
  const told = (more: Partial<LogLine>) => componentJsonLine(line(more), "f.ts:7");
  assert.equal(
    told({ fields: { part: "p", error, n: 1 } }),
    `{"ts":${at},"caller":"f.ts:7","msg":"m","v":0,"part":"p","n":1,"err":"it broke"}\n`,
  );
  assert.equal(JSON.parse(told({ level: "debug" })).v, 4);
  assert.equal("v" in JSON.parse(told({ level: "error" })), false);
});

test("the caller is whoever wrote the line, through loggers that come from others", () => {
  for (const format of ["text", "json"] as const) {
    const lines: string[] = [];
    const log = createLogger(
      (each) => lines.push(each),
      () => at,
      "info",
      logFormat(format, 42),
    );
    log.with({ part: "p" }).info("m");
    log.error("m");
    log.debug("left out");
    const callers = lines.map((each) => /[\w.-]+:\d+(?=[\]"])/.exec(each)?.[0]);
    assert.equal(lines.length, 2);
    for (const caller of callers) assert.match(caller ?? "", /^log-formats\.test\.ts:\d+$/);
    assert.notEqual(callers[0], callers[1]);
  }
});
