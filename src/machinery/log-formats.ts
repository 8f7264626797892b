/** Log formats of Kubernetes' components: klog's text, and component-base's JSON. Pure, except for the caller's position. */
import { goQuote } from "./go-format.ts";
import type { LogFields, LogFormat, LogLevel, LogLine } from "./logger.ts";

/** As `--logging-format` names them. */
export type LoggingFormat = "text" | "json";

export const loggingFormats: readonly LoggingFormat[] = ["json", "text"];

/** Of klog's levels. */
const letters: Record<LogLevel, string> = { debug: "I", info: "I", warn: "W", error: "E" };
/** What helps to find mistakes is of klog's level 4. */
const verbosities: Record<LogLevel, number> = { debug: 4, info: 0, warn: 0, error: 0 };

const two = (value: number): string => String(value).padStart(2, "0");

/** `1128 17:21:03.123000`, where the process is. */
function klogTime(ms: number): string {
  const at = new Date(ms);
  const day = `${two(at.getMonth() + 1)}${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${day} ${time}.${String(Math.floor((ms % 1000) * 1000)).padStart(6, "0")}`;
}

/** Errors include their stack; warnings only the message. */
const errorText = (error: Error, level: LogLevel): string =>
  level === "error" ? (error.stack ?? error.message) : error.message;

/** An Error among the fields is klog's `err`. */
function named(fields: LogFields, level: LogLevel): { err: string | undefined; others: [string, unknown][] } {
  let err: string | undefined;
  const others: [string, unknown][] = [];
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (!(value instanceof Error)) others.push([key, value]);
    else if (key === "error") err = errorText(value, level);
    else others.push([key, errorText(value, level)]);
  }
  return { err, others };
}

function textValue(value: unknown): string {
  if (typeof value !== "string") return `=${JSON.stringify(value)}`;
  if (!value.includes("\n")) return `=${goQuote(value)}`;
  const lines = value.endsWith("\n") ? value.slice(0, -1).split("\n") : value.split("\n");
  return `=<\n${lines.map((line) => `\t${line}\n`).join("")} >`;
}

/** `I1128 17:21:03.123000   12345 file.js:7] "message" key="value"`. `caller`: file and line. */
export function klogLine({ at, level, message, fields }: LogLine, pid: number, caller: string): string {
  const { err, others } = named(fields, level);
  const pairs = err === undefined ? others : [["err", err] as const, ...others];
  const head = `${letters[level]}${klogTime(at)} ${String(pid).padStart(7)} ${caller}] ${goQuote(message)}`;
  return `${head}${pairs.map(([key, value]) => ` ${key}${textValue(value)}`).join("")}\n`;
}

/** `{"ts":1764350463123,"caller":"file.js:7","msg":"message","v":0,"key":"value"}`; errors have no `v`. */
export function componentJsonLine({ at, level, message, fields }: LogLine, caller: string): string {
  const { err, others } = named(fields, level);
  const line = {
    ts: at,
    caller,
    msg: message,
    ...(level === "error" ? {} : { v: verbosities[level] }),
    ...Object.fromEntries(others),
    ...(err === undefined ? {} : { err }),
  };
  return `${JSON.stringify(line)}\n`;
}

/** `pid`: of this process. */
export const logFormat = (format: LoggingFormat, pid: number): LogFormat =>
  format === "text"
    ? (line, called) => klogLine(line, pid, callerOf(called))
    : (line, called) => componentJsonLine(line, callerOf(called));

/** File and line of the caller of this function. */
function callerOf(called: (...given: never[]) => unknown): string {
  const seen: { stack?: string } = {};
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(seen, called);
  Error.stackTraceLimit = stackTraceLimit;
  const [, file, line] = /([^/\\(\s]+?):(\d+):\d+\)?$/.exec(seen.stack ?? "") ?? [];
  return file === undefined ? "???:1" : `${file}:${line}`;
}
