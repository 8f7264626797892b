/**
 * JSON with exact integers. JavaScript's numbers are exact up to 2^53, Kubernetes' integers up to 2^63: larger ones are parsed to
 * bigints and written as digits.
 */
import { setMember } from "./deep.ts";
import { type ReadNumber, readJson } from "./exact-reader.ts";
import { surveyJson } from "./json-survey.ts";

const wholeNumber = /^-?\d+$/;

/** Throws SyntaxError like JSON.parse. `oddNumbers`: false when all numbers are known to be exact. */
export function parseExact(text: string, oddNumbers = surveyJson(text).oddNumbers): unknown {
  const value: unknown = JSON.parse(text);
  return oddNumbers ? readJson(text, exactly) : value;
}

const smallest = -(2n ** 63n);
const largest = 2n ** 63n - 1n;

/** Texts of numbers that are not written in the usual way, by object or list and name or index. */
const written = new WeakMap<object, Map<string, string> | (string | undefined)[]>();

/**
 * The original text of a parsed number; undefined when it is the usual one. Not kept in copies, and not cleared by assignments.
 */
export function writtenAs(holder: object, name: string | number): string | undefined {
  const texts = written.get(holder);
  return Array.isArray(texts) ? texts[Number(name)] : texts?.get(String(name));
}

function note(holder: object, name: string | number, text: string): void {
  let texts = written.get(holder);
  if (!texts) written.set(holder, (texts = Array.isArray(holder) ? [] : new Map<string, string>()));
  if (Array.isArray(texts)) texts[Number(name)] = text;
  else texts.set(String(name), text);
}

function forget(holder: object, name: string | number): void {
  const texts = written.get(holder);
  if (Array.isArray(texts)) texts[Number(name)] = undefined;
  else texts?.delete(String(name));
}

/** True when the text of any number of this object or list is known. */
export const keepsTexts = (holder: object): boolean => written.has(holder);

/** True when that of any number in it is. */
export function holdsTexts(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return keepsTexts(value) || Object.values(value).some(holdsTexts);
}

/** The text of the first number beyond float64 in the value parsed from `text`; undefined when there is none. */
export function hugeNumber(value: unknown, text: string): string | undefined {
  return /\d[eE]|\d{300}/.test(text) ? hugeIn(value) : undefined;
}

/** The same without the text. */
export function hugeIn(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const name in value) {
    const each = (value as Record<string, unknown>)[name];
    const found =
      each === Infinity || each === -Infinity ? (writtenAs(value, name) ?? String(each)) : hugeIn(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** True for numbers that Go's decoder makes float64: fractions, numbers with a point or exponent, and too long ones. */
export const isGoFloat = (value: number, holder?: object, name?: string | number): boolean =>
  !Number.isSafeInteger(value) ||
  (holder !== undefined && name !== undefined && writtenAs(holder, name) !== undefined);

/** Copies the original text of a number to a copy of it. */
export function copyWritten(from: object, name: string | number, to: object, as = name): void {
  const text = writtenAs(from, name);
  if (text === undefined) forget(to, as);
  else note(to, as, text);
}

/** Copies the original texts of all numbers in an object or list. */
export function copyAllWritten(from: object, to: object): void {
  const texts = written.get(from);
  if (texts) written.set(to, Array.isArray(texts) ? texts.slice() : new Map(texts));
}

/** A copy of parsed JSON that keeps the original texts of numbers. */
export function cloneExact<T>(value: T): T {
  if (value === null || typeof value !== "object") return value;
  const copy = (Array.isArray(value) ? [] : {}) as Record<string, unknown>;
  copyAllWritten(value, copy);
  for (const name of Object.keys(value))
    setMember(copy, name, cloneExact((value as Record<string, unknown>)[name]));
  return copy as T;
}

/** Integers beyond 64 bits are floats in Go, too. */
const exactly: ReadNumber = (source, holder, name) => {
  const value = Number(source);
  const usual = source === String(value) || source === "-0";
  if (!usual && wholeNumber.test(source) && !Number.isSafeInteger(value)) {
    const exact = BigInt(source);
    if (exact >= smallest && exact <= largest) return exact;
  }
  if (!usual && holder) note(holder, name, source);
  // Of duplicate members the last one counts.
  else if (holder && typeof name === "string") forget(holder, name);
  return value;
};

interface RawJson {
  rawJSON(text: string): object;
}

/** JSON.stringify requires toJSON of bigints. Objects are encoded in many places, so it is defined here, once for the process. */
Object.defineProperty(BigInt.prototype, "toJSON", {
  value(this: bigint): object {
    return (JSON as unknown as RawJson).rawJSON(this.toString());
  },
  writable: true,
  configurable: true,
});

/** JSON text, with bigints as digits. */
export const stringifyExact = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent);

/** JSON text with the original texts of numbers, where known. */
export const stringifyAsWritten = (value: unknown): string =>
  JSON.stringify(value, function (this: object, name: string, each: unknown) {
    const text = typeof each === "number" ? writtenAs(this, name) : undefined;
    return text === undefined ? each : (JSON as unknown as RawJson).rawJSON(text);
  });
