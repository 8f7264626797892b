/**
 * JSON with every whole number exactly as it was written. JavaScript's numbers are exact up to 2^53, Kubernetes' integers
 * up to 2^63: what lies between becomes a bigint on reading and is written as the digits it stands for.
 */
import { setMember } from "./deep.ts";
import { type ReadNumber, readJson } from "./exact-reader.ts";
import { surveyJson } from "./json-survey.ts";

const wholeNumber = /^-?\d+$/;

/** Throws SyntaxError as JSON.parse. `oddNumbers`: false when it is known that every number in it is an exact one. */
export function parseExact(text: string, oddNumbers = surveyJson(text).oddNumbers): unknown {
  const value: unknown = JSON.parse(text);
  return oddNumbers ? readJson(text, exactly) : value;
}

const smallest = -(2n ** 63n);
const largest = 2n ** 63n - 1n;

/** Texts of numbers that do not say themselves how they were written, by the object or list that has them; of a list, by place. */
const written = new WeakMap<object, Map<string, string> | (string | undefined)[]>();

/**
 * The text of a number, as it was parsed into this object or list; undefined where it is the number's usual text. It does
 * not follow into copies, and a number put in its place is not told from it.
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

/** The text of the first number that no float64 can hold, in what was read of `text`; undefined when there is none. */
export function hugeNumber(value: unknown, text: string): string | undefined {
  return /\d[eE]|\d{300}/.test(text) ? hugeIn(value) : undefined;
}

/** The same where the text is not at hand. */
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

/** True for what Go's decoder makes a float64 of: what is not whole, was written with a point or exponent, or is too long. */
export const isGoFloat = (value: number, holder?: object, name?: string | number): boolean =>
  !Number.isSafeInteger(value) ||
  (holder !== undefined && name !== undefined && writtenAs(holder, name) !== undefined);

/** Says of a copied number what is known of the text of the one it was copied from. */
export function copyWritten(from: object, name: string | number, to: object, as = name): void {
  const text = writtenAs(from, name);
  if (text === undefined) forget(to, as);
  else note(to, as, text);
}

/** The same of all numbers in a copy of an object or list. */
export function copyAllWritten(from: object, to: object): void {
  const texts = written.get(from);
  if (texts) written.set(to, Array.isArray(texts) ? texts.slice() : new Map(texts));
}

/** A copy of parsed JSON that knows how its numbers were written. */
export function cloneExact<T>(value: T): T {
  if (value === null || typeof value !== "object") return value;
  const copy = (Array.isArray(value) ? [] : {}) as Record<string, unknown>;
  copyAllWritten(value, copy);
  for (const name of Object.keys(value))
    setMember(copy, name, cloneExact((value as Record<string, unknown>)[name]));
  return copy as T;
}

/** What does not fit into 64 bits is a floating-point number in Go, too. */
const exactly: ReadNumber = (source, holder, name) => {
  const value = Number(source);
  const usual = source === String(value) || source === "-0";
  if (!usual && wholeNumber.test(source) && !Number.isSafeInteger(value)) {
    const exact = BigInt(source);
    if (exact >= smallest && exact <= largest) return exact;
  }
  if (!usual && holder) note(holder, name, source);
  // A member may be there twice, and the last one counts.
  else if (holder && typeof name === "string") forget(holder, name);
  return value;
};

interface RawJson {
  rawJSON(text: string): object;
}

/**
 * JSON.stringify refuses bigints unless they say how they are written. Objects are written in many places, some of them
 * far from where a long number came in; so bigints say it here, once for the process.
 */
Object.defineProperty(BigInt.prototype, "toJSON", {
  value(this: bigint): object {
    return (JSON as unknown as RawJson).rawJSON(this.toString());
  },
  writable: true,
  configurable: true,
});

/** JSON text, with bigints as the digits they stand for. */
export const stringifyExact = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent);

/** JSON text with every number as it was written where that is known. */
export const stringifyAsWritten = (value: unknown): string =>
  JSON.stringify(value, function (this: object, name: string, each: unknown) {
    const text = typeof each === "number" ? writtenAs(this, name) : undefined;
    return text === undefined ? each : (JSON as unknown as RawJson).rawJSON(text);
  });
