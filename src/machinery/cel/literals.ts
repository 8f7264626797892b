/** Values of literals. */
import { CelUint, maxInt, minInt, type CelValue } from "./values.ts";

export class LiteralError extends Error {}

const maxUint = 2n ** 64n - 1n;

export function intOf(digits: string, negative: boolean): bigint {
  const value = negative ? -BigInt(digits) : BigInt(digits);
  if (value > maxInt || value < minInt) throw new LiteralError("invalid int literal");
  return value;
}

export function uintOf(text: string): CelUint {
  const value = BigInt(text.slice(0, -1));
  if (value > maxUint) throw new LiteralError("invalid uint literal");
  return new CelUint(value);
}

export function doubleOf(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new LiteralError("invalid double literal");
  return value;
}

const named: Record<string, string> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** Without quotes, line breaks as `\n`. */
function bodyOf(literal: string): { body: string; raw: boolean } {
  const text = literal.replace(/\r\n?/g, "\n");
  const raw = /^[rR]/.test(text);
  const quoted = raw ? text.slice(1) : text;
  const width = /^("""|''')/.test(quoted) && quoted.length >= 6 ? 3 : 1;
  return { body: quoted.slice(width, -width), raw };
}

const escapes = /\\(?:([0-3][0-7][0-7])|[xX]([\da-fA-F]{2})|(?:u([\da-fA-F]{4})|U([\da-fA-F]{8}))|(.))/gu;

export function stringOf(literal: string): string {
  const { body, raw } = bodyOf(literal);
  if (raw) return body;
  return body.replace(
    escapes,
    (_all, octal?: string, hex?: string, short?: string, long?: string, letter?: string) => {
      if (letter !== undefined) return named[letter] ?? letter;
      const code =
        octal === undefined
          ? Number.parseInt((hex ?? short ?? long) as string, 16)
          : Number.parseInt(octal, 8);
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        throw new LiteralError("invalid unicode code point");
      return String.fromCodePoint(code);
    },
  );
}

export function bytesOf(literal: string): CelValue {
  const { body, raw } = bodyOf(literal.slice(1));
  if (raw) return new TextEncoder().encode(body);
  const parts: Uint8Array[] = [];
  let last = 0;
  for (const found of body.matchAll(escapes)) {
    const [all, octal, hex, short, long, letter] = found;
    if (short !== undefined || long !== undefined) throw new LiteralError("unable to unescape string");
    parts.push(new TextEncoder().encode(body.slice(last, found.index)));
    parts.push(
      letter === undefined
        ? Uint8Array.of(octal === undefined ? Number.parseInt(hex as string, 16) : Number.parseInt(octal, 8))
        : new TextEncoder().encode(named[letter] ?? letter),
    );
    last = found.index + all.length;
  }
  parts.push(new TextEncoder().encode(body.slice(last)));
  return new Uint8Array(parts.flatMap((part) => [...part]));
}
