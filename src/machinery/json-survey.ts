/** What a JSON text has in it, found in one quick pass: most bodies have nothing that asks for a closer look. */
import { stringEnd } from "./json-string.ts";

export interface JsonSurvey {
  /** Of brackets in brackets. */
  depth: number;
  /** Members of all objects, those that are there twice counted twice. */
  members: number;
  /** A number may be one that JavaScript's numbers are not exact for, or that they are not written as. */
  oddNumbers: boolean;
}

const quote = 0x22;
const colon = 0x3a;
const zero = 0x30;
const nine = 0x39;
const point = 0x2e;
/** With this bit, brackets and braces are the same, and letters are small. */
const lower = 0x20;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const smallE = 0x65;

/** Shorter runs of digits are exact numbers. */
const exactDigits = 15;
/** A fraction of so few digits that does not end in a zero is written without an exponent, as it was. */
const plainFraction = 6;

/** Of any text; what it says of one that is no JSON means nothing. */
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

/** Members of all objects in parsed JSON: fewer than its text has, if some of these were there twice. */
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
