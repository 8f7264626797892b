/**
 * Path elements of fieldsV1 (KEP-555): `f:name` a field, `k:{"port":80}` a list item by its keys, `v:"x"` a set item by its
 * value, `i:0` a list item by its index. They are canonical strings, so that equal elements are equal strings.
 */

import { goFloat, goQuote, withoutHtml } from "../go-format.ts";

/** Most names and keys need no escapes. */
const plain = /^[\w ./:-]*$/;

function jsonOf(value: unknown): string {
  if (typeof value === "string" && plain.test(value)) return `"${value}"`;
  return withoutHtml(JSON.stringify(value));
}

/** For items with one key, as most have. */
export const oneKeyElement = (name: string, value: unknown): string => `k:{${jsonOf(name)}:${jsonOf(value)}}`;

export const fieldElement = (name: string): string => `f:${name}`;

/** `pairs` may be unordered. */
export function keyElement(pairs: [string, unknown][]): string {
  if (pairs.length > 1) pairs.sort((a, b) => compareText(a[0], b[0]));
  let out = "k:{";
  for (let i = 0; i < pairs.length; i++) {
    const [name, value] = pairs[i] as [string, unknown];
    out += `${i === 0 ? "" : ","}${jsonOf(name)}:${jsonOf(value)}`;
  }
  return `${out}}`;
}

export const valueElement = (value: unknown): string => `v:${jsonOf(value)}`;

/** Go compares bytes of UTF-8: code points, where JavaScript compares UTF-16 units. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePoint(x) - codePoint(y);
  }
  return a.length - b.length;
}

const kindOrder = "fkvi";

const quote = 0x22;
const backslash = 0x5c;

/** Surrogates sort after all other units. */
const codePoint = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

/** The order of two elements that first differ within a string without escapes, the usual case; else undefined. */
function orderInString(a: string, b: string): number | undefined {
  let inString = false;
  for (let i = 2; i < a.length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === backslash || y === backslash) return undefined;
    if (x !== y) {
      if (!inString) return undefined;
      // The shorter one comes first.
      if (x === quote) return -1;
      return y === quote ? 1 : codePoint(x) - codePoint(y);
    }
    if (x === quote) inString = !inString;
  }
  return undefined;
}

/** Kubernetes' order: fields, keys, values, indices; each kind by content. */
export function compareElements(a: string, b: string): number {
  const kind = a.charCodeAt(0);
  if (kind !== b.charCodeAt(0)) return kindOrder.indexOf(a.charAt(0)) - kindOrder.indexOf(b.charAt(0));
  if (a === b) return 0;
  switch (a.charAt(0)) {
    case "k":
      return (
        orderInString(a, b) ??
        compareKeys(parsed(a) as Record<string, unknown>, parsed(b) as Record<string, unknown>)
      );
    case "v":
      return orderInString(a, b) ?? compareValues(parsed(a), parsed(b));
    case "i":
      return Number(a.slice(2)) - Number(b.slice(2));
    default:
      return compareText(a, b);
  }
}

const parsed = (element: string): unknown => JSON.parse(element.slice(2)) as unknown;

function compareKeys(a: Record<string, unknown>, b: Record<string, unknown>): number {
  const left = Object.keys(a).sort(compareText);
  const right = Object.keys(b).sort(compareText);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const x = left[i] as string;
    const y = right[i] as string;
    const order = compareText(x, y) || compareValues(a[x], b[y]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Numbers come before strings, then booleans, null is last. */
function rank(value: unknown): number {
  if (typeof value === "number") return 0;
  if (typeof value === "string") return 1;
  if (typeof value === "boolean") return 2;
  return value === null ? 4 : 3;
}

function compareValues(a: unknown, b: unknown): number {
  const order = rank(a) - rank(b);
  if (order !== 0) return order;
  if (typeof a === "number") return a - (b as number);
  if (typeof a === "string") return compareText(a, b as string);
  if (typeof a === "boolean") return Number(a) - Number(b);
  return compareText(JSON.stringify(a), JSON.stringify(b));
}

/** As printed by Go; objects, which cannot be keys, show their fields only. */
function valueText(value: unknown): string {
  if (typeof value === "string") return goQuote(value);
  if (typeof value === "number" && !Number.isInteger(value)) return goFloat(value);
  if (Array.isArray(value)) return `[${value.map(valueText).join(",")}]`;
  if (typeof value === "object" && value !== null)
    return Object.entries(value)
      .map(([name, each]) => `${name}=${valueText(each)}`)
      .join("");
  return String(value);
}

/** A path element in messages: `.name`, `[name="x"]`, `[="x"]`, `[0]`. */
export function elementText(element: string): string {
  const rest = element.slice(2);
  switch (element.charAt(0)) {
    case "k": {
      const keys = parsed(element) as Record<string, unknown>;
      const names = Object.keys(keys).sort(compareText);
      return `[${names.map((name) => `${name}=${valueText(keys[name])}`).join(",")}]`;
    }
    case "v":
      return `[=${valueText(parsed(element))}]`;
    case "i":
      return `[${rest}]`;
    default:
      return `.${rest}`;
  }
}

/** Canonicalizes a client's path element; undefined for unknown kinds, which are dropped. Throws for an invalid one. */
export function readElement(text: string): string | undefined {
  if (text.length < 2) throw new Error("key must be 2 characters long:");
  if (text.charAt(1) !== ":") throw new Error(`missing colon: ${text}`);
  const rest = text.slice(2);
  switch (text.charAt(0)) {
    case "f":
      return text;
    case "v":
      return valueElement(JSON.parse(rest));
    case "k":
      return keyElement(Object.entries(JSON.parse(rest) as Record<string, unknown>));
    case "i":
      if (!/^[+-]?\d+$/.test(rest))
        throw new Error(`strconv.Atoi: parsing ${JSON.stringify(rest)}: invalid syntax`);
      return `i:${Number(rest)}`;
    default:
      return undefined;
  }
}
