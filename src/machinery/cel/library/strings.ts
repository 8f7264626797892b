/** Strings: the language's own functions and cel-go's extension (version 2). Positions count code points. */
import { CelEvaluationError } from "../errors.ts";
import type { Library } from "../functions.ts";
import type { Meter } from "../meter.ts";
import { formatted } from "./string-format.ts";

const letters = (meter: Meter, text: string): string[] => {
  meter.text(text);
  return [...text];
};

const outOfRange = (at: bigint): CelEvaluationError => new CelEvaluationError(`index out of range: ${at}`);

function indexOf(meter: Meter, text: string, part: string, from: bigint): bigint {
  const all = letters(meter, text);
  if (from < 0n || from > BigInt(all.length)) throw outOfRange(from);
  const lead = all.slice(0, Number(from)).join("").length;
  const at = text.indexOf(part, lead);
  return at < 0 ? -1n : BigInt([...text.slice(0, at)].length);
}

function lastIndexOf(meter: Meter, text: string, part: string, from?: bigint): bigint {
  const all = letters(meter, text);
  if (from !== undefined && (from < 0n || from > BigInt(all.length))) throw outOfRange(from);
  const lead = from === undefined ? text.length : all.slice(0, Number(from)).join("").length;
  const at = text.lastIndexOf(part, lead);
  return at < 0 ? -1n : BigInt([...text.slice(0, at)].length);
}

function substring(meter: Meter, text: string, from: bigint, to?: bigint): string {
  const all = letters(meter, text);
  const size = BigInt(all.length);
  if (from < 0n || from > size) throw outOfRange(from);
  if (to !== undefined && (to < 0n || to > size)) throw outOfRange(to);
  if (to !== undefined && from > to)
    throw new CelEvaluationError(`invalid substring range. start: ${from}, end: ${to}`);
  return all.slice(Number(from), to === undefined ? undefined : Number(to)).join("");
}

function replace(meter: Meter, text: string, old: string, by: string, count: bigint): string {
  meter.text(text, old, by);
  if (count === 0n) return text;
  const parts = old === "" ? ["", ...text, ""] : text.split(old);
  const limit = old === "" && text === "" ? 1 : parts.length - 1;
  const times = count < 0n ? limit : Math.min(Number(count), limit);
  meter.step((times * by.length) / 10);
  if (old === "" && text === "") return by;
  let result = parts[0] ?? "";
  for (let i = 1; i < parts.length; i++) result += (i <= times ? by : old) + (parts[i] ?? "");
  return result;
}

function split(meter: Meter, text: string, by: string, count: bigint): string[] {
  meter.text(text, by);
  if (count === 0n) return [];
  const parts = by === "" ? [...text] : text.split(by);
  if (count < 0n || BigInt(parts.length) <= count) return parts;
  const kept = Number(count) - 1;
  return [...parts.slice(0, kept), parts.slice(kept).join(by)];
}

const join = (meter: Meter, list: string[], by = ""): string => {
  meter.text(...list);
  meter.step((list.length * by.length) / 10);
  return list.join(by);
};

const asciiOnly = (text: string, pattern: RegExp, change: (part: string) => string): string =>
  text.replaceAll(pattern, change);

function quote(text: string): string {
  const named: Record<string, string> = {
    "\x07": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
  };
  return `"${[...text].map((letter) => named[letter] ?? letter).join("")}"`;
}

const plain =
  (holds: (text: string, part: string) => boolean) =>
  (meter: Meter, text: string, part: string): boolean => {
    meter.text(text);
    return holds(text, part);
  };

export const strings: Library = {
  "string.contains(string): bool": plain((text, part) => text.includes(part)),
  "string.startsWith(string): bool": plain((text, part) => text.startsWith(part)),
  "string.endsWith(string): bool": plain((text, part) => text.endsWith(part)),
  "string.charAt(int): string": (meter, text: string, at: bigint) => {
    const all = letters(meter, text);
    if (at < 0n || at > BigInt(all.length)) throw outOfRange(at);
    return all[Number(at)] ?? "";
  },
  "string.indexOf(string): int": (meter, text: string, part: string) => indexOf(meter, text, part, 0n),
  "string.indexOf(string, int): int": indexOf,
  "string.lastIndexOf(string): int": (meter, text: string, part: string) => lastIndexOf(meter, text, part),
  "string.lastIndexOf(string, int): int": lastIndexOf,
  "list<string>.join(): string": join,
  "list<string>.join(string): string": join,
  "string.lowerAscii(): string": (meter, text: string) => {
    meter.text(text);
    return asciiOnly(text, /[A-Z]+/g, (part) => part.toLowerCase());
  },
  "string.upperAscii(): string": (meter, text: string) => {
    meter.text(text);
    return asciiOnly(text, /[a-z]+/g, (part) => part.toUpperCase());
  },
  "string.replace(string, string): string": (meter, text: string, old: string, by: string) =>
    replace(meter, text, old, by, -1n),
  "string.replace(string, string, int): string": replace,
  "string.split(string): list<string>": (meter, text: string, by: string) => split(meter, text, by, -1n),
  "string.split(string, int): list<string>": split,
  "string.substring(int): string": (meter, text: string, from: bigint) => substring(meter, text, from),
  "string.substring(int, int): string": substring,
  "string.trim(): string": (meter, text: string) => {
    meter.text(text);
    return text.trim();
  },
  "string.format(list<dyn>): string": formatted,
  "strings.quote(string): string": (meter, text: string) => {
    meter.text(text);
    return quote(text);
  },
};
