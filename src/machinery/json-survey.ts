/** Properties of a JSON text, found in one fast pass: most bodies need no closer inspection. */
import { stringEnd } from "./json-string.ts";

export interface JsonSurvey {
  /** Nesting depth of brackets. */
  depth: number;
  /** Members of all objects, including duplicates. */
  members: number;
  /** Some number may be inexact in JavaScript, or be written in another way. */
  oddNumbers: boolean;
}

const quote = 0x22;
const colon = 0x3a;
const zero = 0x30;
const nine = 0x39;
const point = 0x2e;
/** This bit makes brackets and braces equal, and letters lower case. */
const lower = 0x20;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const smallE = 0x65;

/** Shorter integers are exact. */
const exactDigits = 15;
/** Fractions with at most this many digits and no trailing zero are written as they were. */
const plainFraction = 6;

/** The result is meaningless for invalid JSON. */
export function surveyJson(text: string): JsonSurvey {
  const { length } = text;
  let open = 0;
  let depth = 0;
  let members = 0;
  let oddNumbers = false;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) {
      i = stringEnd(text, i);
      if (i < 0) break;
    } else if (code === colon) members++;
    else if (code >= zero && code <= nine) {
      const start = i;
      let next = text.charCodeAt(++i);
      while (next >= zero && next <= nine) next = text.charCodeAt(++i);
      let digits = i - start;
      if (next === point) {
        const behind = i;
        do next = text.charCodeAt(++i);
        while (next >= zero && next <= nine);
        const fraction = i - behind - 1;
        digits += fraction;
        if (fraction === 0 || fraction > plainFraction || text.charCodeAt(i - 1) === zero) oddNumbers = true;
      }
      if (digits > exactDigits || (next | lower) === smallE) oddNumbers = true;
      i--;
    } else if ((code | lower) === openBrace) {
      if (++open > depth) depth = open;
    } else if ((code | lower) === closeBrace) open--;
  }
  return { depth, members, oddNumbers };
}

/** Members of all objects in parsed JSON: fewer than in the text if it had duplicates. */
export function countMembers(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const each of value as unknown[]) if (typeof each === "object") count += countMembers(each);
    return count;
  }
  for (const name in value) {
    count++;
    const each = (value as Record<string, unknown>)[name];
    if (typeof each === "object") count += countMembers(each);
  }
  return count;
}
