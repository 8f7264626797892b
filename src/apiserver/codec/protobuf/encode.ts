/** Encodes API objects as protocol buffers, byte for byte as in Kubernetes. */
import { stringifyExact } from "../../../machinery/index.ts";
import type { Field, Message, Messages } from "./messages.ts";
import { BackwardWriter } from "./writer.ts";

type Json = Record<string, unknown>;

/** Shared, since encoding is synchronous. */
const writer = new BackwardWriter();

/** The message of an object, without an envelope. */
export function encodeMessage(messages: Messages, name: string, object: object): Buffer {
  writer.reset();
  writeMessage(messages, messages.get(name), object as Json);
  return writer.take();
}

function writeMessage(messages: Messages, message: Message, object: Json): void {
  for (const field of message.backwards) {
    const value = field.inline ? object : object[field.name];
    if (value === undefined || value === null) {
      // A Go field that is not a pointer always has a value, and is always written.
      if (!field.pointer && !field.list && !field.map && field.form !== "bytes") writeEmpty(messages, field);
    } else if (field.list) {
      const list = value as unknown[];
      for (let i = list.length - 1; i >= 0; i--) writeField(messages, field, field.number, list[i]);
    } else if (field.map) writeMap(messages, field, value as Json);
    else writeField(messages, field, field.number, value);
  }
}

function writeMap(messages: Messages, field: Field, map: Json): void {
  const keys = Object.keys(map);
  if (keys.length > 1) keys.sort(byBytes);
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i] as string;
    const start = writer.length;
    const value = map[key];
    if (value !== null && value !== undefined) writeField(messages, field, 2, value);
    else if (field.form !== "bytes") writeEmpty(messages, { ...field, number: 2 });
    const before = writer.length;
    writer.text(key);
    writer.close(1, before);
    writer.close(field.number, start);
  }
}

/** Go compares bytes of UTF-8, whose order differs from UTF-16 beyond the basic plane. */
function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  for (let i = 0; i < a.length && i < b.length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) {
      const surrogates = left >= 0xd800 && right >= 0xd800;
      return surrogates ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : left - right;
    }
  }
  return a.length - b.length;
}

function writeField(messages: Messages, field: Field, number: number, value: unknown): void {
  const before = writer.length;
  switch (field.form) {
    case "string":
      writer.text(value as string);
      break;
    case "bool":
      writer.varint(value ? 1 : 0);
      writer.tag(number, 0);
      return;
    case "int32":
    case "int64":
      writer.signed(value as number | bigint);
      writer.tag(number, 0);
      return;
    case "double":
      writer.double(Number(value));
      writer.tag(number, 1);
      return;
    case "bytes":
      writer.bytes(Buffer.from(value as string, "base64"));
      break;
    case "message":
      writeMessage(messages, messages.of(field), value as Json);
      break;
    case "time":
      writeTime(value as string, false);
      break;
    case "micro-time":
      writeTime(value as string, true);
      break;
    case "duration":
      writer.signed(nanoseconds(value as string));
      writer.tag(1, 0);
      break;
    case "quantity":
      writer.text(String(value));
      writer.close(1, before);
      break;
    case "int-or-string":
      writeIntOrString(value as string | number);
      break;
    case "json":
      writer.text(stringifyExact(value));
      writer.close(1, before);
      break;
    case "strings":
      writeStrings(1, value as string[]);
      break;
    default:
      writeAlternative(messages, field.form, value);
  }
  writer.close(number, before);
}

function writeStrings(number: number, list: readonly string[]): void {
  for (let i = list.length - 1; i >= 0; i--) {
    const before = writer.length;
    writer.text(list[i] as string);
    writer.close(number, before);
  }
}

/** Kind (0 number, 1 string), number and string are all written. */
function writeIntOrString(value: string | number): void {
  const before = writer.length;
  const isText = typeof value === "string";
  if (isText) writer.text(value);
  writer.close(3, before);
  writer.signed(isText ? 0 : value);
  writer.tag(2, 0);
  writer.varint(isText ? 1 : 0);
  writer.tag(1, 0);
}

/** JSON has one of two values where protobuf has a field for each. */
function writeAlternative(messages: Messages, form: Field["form"], value: unknown): void {
  const before = writer.length;
  if (form === "or-bool") {
    if (typeof value !== "boolean") {
      writeMessage(messages, messages.schemaProps, value as Json);
      writer.close(2, before);
    }
    // A schema implies true.
    writer.varint(value === false ? 0 : 1);
    writer.tag(1, 0);
  } else if (!Array.isArray(value)) {
    writeMessage(messages, messages.schemaProps, value as Json);
    writer.close(1, before);
  } else if (form === "or-strings") writeStrings(2, value as string[]);
  else {
    for (let i = value.length - 1; i >= 0; i--) {
      const start = writer.length;
      writeMessage(messages, messages.schemaProps, value[i] as Json);
      writer.close(2, start);
    }
  }
}

/** The zero value of a type that is not a pointer. */
function writeEmpty(messages: Messages, field: Field): void {
  const before = writer.length;
  switch (field.form) {
    case "bool":
    case "int32":
    case "int64":
      writer.varint(0);
      writer.tag(field.number, 0);
      return;
    case "double":
      writer.double(0);
      writer.tag(field.number, 1);
      return;
    case "message":
      writeMessage(messages, messages.of(field), {});
      break;
    case "quantity":
      writer.text("0");
      writer.close(1, before);
      break;
    case "int-or-string":
      writeIntOrString(0);
      break;
    case "duration":
      writer.varint(0);
      writer.tag(1, 0);
      break;
    default:
      // Texts and times are empty; so is a list of strings.
      break;
  }
  writer.close(field.number, before);
}

const digit = (text: string, at: number): number => text.charCodeAt(at) - 48;
const pair = (text: string, at: number): number => digit(text, at) * 10 + digit(text, at + 1);

/** Days before each month in a year that begins in March, so that the leap day comes last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (
    era * 146097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719468
  );
}

/** Seconds and nanoseconds; metav1.Time never has a fraction. Stored times are all in UTC. */
function writeTime(text: string, micro: boolean): void {
  let seconds: number;
  if (text.length >= 20 && text.endsWith("Z")) {
    const year = pair(text, 0) * 100 + pair(text, 2);
    const days = daysSinceEpoch(year, pair(text, 5), pair(text, 8));
    seconds = days * 86400 + pair(text, 11) * 3600 + pair(text, 14) * 60 + pair(text, 17);
  } else seconds = Math.floor(Date.parse(text) / 1000);
  const fraction = micro ? /\.(\d{1,6})/.exec(text)?.[1] : undefined;
  writer.varint(fraction === undefined ? 0 : Number(fraction.padEnd(6, "0")) * 1000);
  writer.tag(2, 0);
  writer.signed(seconds);
  writer.tag(1, 0);
}

const units: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** A Go duration (`1h30m`). */
function nanoseconds(text: string): number {
  let total = 0;
  for (const [, amount = "0", unit = "s"] of text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (units[unit] ?? 0);
  }
  return Math.round(text.startsWith("-") ? -total : total);
}
