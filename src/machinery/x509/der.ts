/** The forms of DER (X.690) in X.509 certificates. */

function wrap(tag: number, content: Uint8Array): Buffer {
  const length = content.length;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), content]);
}

export const sequence = (...parts: Uint8Array[]): Buffer => wrap(0x30, Buffer.concat(parts));
export const set = (...parts: Uint8Array[]): Buffer => wrap(0x31, Buffer.concat(parts));
export const octets = (content: Uint8Array): Buffer => wrap(0x04, content);
export const utf8 = (text: string): Buffer => wrap(0x0c, Buffer.from(text, "utf8"));
export const boolean = (value: boolean): Buffer => wrap(0x01, Buffer.from([value ? 0xff : 0]));
/** A context tag around whole values. */
export const explicit = (tag: number, content: Uint8Array): Buffer => wrap(0xa0 | tag, content);
/** A context tag in place of a primitive's own. */
export const implicit = (tag: number, content: Uint8Array): Buffer => wrap(0x80 | tag, content);

/** Unsigned, big-endian; a leading zero keeps a high bit from reading as a sign. */
export function integer(value: Uint8Array): Buffer {
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const digits = value.subarray(start);
  return wrap(0x02, (digits[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits);
}

/** `unused` low bits of the last byte do not count. */
export const bits = (content: Uint8Array, unused = 0): Buffer =>
  wrap(0x03, Buffer.concat([Buffer.from([unused]), content]));

export function oid(dotted: string): Buffer {
  const arcs = dotted.split(".").map(Number);
  const bytes: number[] = [(arcs[0] ?? 0) * 40 + (arcs[1] ?? 0)];
  for (const arc of arcs.slice(2)) {
    const septets = [arc & 0x7f];
    for (let rest = arc >>> 7; rest > 0; rest >>>= 7) septets.unshift((rest & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return wrap(0x06, Buffer.from(bytes));
}

/** UTCTime until 2049, GeneralizedTime after (RFC 5280, 4.1.2.5). Whole seconds. */
export function time(at: Date): Buffer {
  const digits = `${at.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
  return at.getUTCFullYear() < 2050
    ? wrap(0x17, Buffer.from(digits.slice(2), "ascii"))
    : wrap(0x18, Buffer.from(digits, "ascii"));
}

/** A parsed element. */
export interface Part {
  tag: number;
  value: Buffer;
  /** Including tag and length. */
  raw: Buffer;
}

/** Invalid DER, in the words of Go's encoding/asn1. */
export class DerError extends Error {}

const syntax = (what: string): DerError => new DerError(`asn1: syntax error: ${what}`);
const structure = (what: string): DerError => new DerError(`asn1: structure error: ${what}`);

/** Greater lengths are refused (encoding/asn1). */
const lengthLimit = 2 ** 31;

/**
 * Tag and length of the element at an offset, and the start of its content. Throws a DerError for indefinite or non-minimal
 * lengths (X.690, 10.1), and for multi-byte tags, which are not used here.
 */
export function headAt(bytes: Uint8Array, start: number): { tag: number; length: number; content: number } {
  if (start >= bytes.length) throw syntax("sequence truncated");
  const tag = bytes[start] as number;
  if ((tag & 0x1f) === 0x1f) throw structure("tag of more than one byte");
  const first = bytes[start + 1];
  if (first === undefined) throw syntax("truncated tag or length");
  if (first < 0x80) return { tag, length: first, content: start + 2 };
  if (first === 0x80) throw syntax("indefinite length found (not DER)");
  const content = start + 2 + (first & 0x7f);
  let length = 0;
  for (let at = start + 2; at < content; at++) {
    const digit = bytes[at];
    if (digit === undefined) throw syntax("truncated tag or length");
    length = length * 256 + digit;
    if (length >= lengthLimit) throw structure("length too large");
    if (length === 0) throw structure("superfluous leading zeros in length");
  }
  if (length < 0x80) throw structure("non-minimal length");
  return { tag, length, content };
}

/** Consecutive DER elements up to the last byte. Throws a DerError for invalid bytes. */
export function parts(bytes: Buffer): Part[] {
  const found: Part[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { tag, length, content } = headAt(bytes, at);
    const end = content + length;
    if (end > bytes.length) throw syntax("data truncated");
    found.push({ tag, value: bytes.subarray(content, end), raw: bytes.subarray(at, end) });
    at = end;
  }
  return found;
}

/** The only element in the bytes. Throws a DerError when there are others. */
export function only(bytes: Buffer): Part {
  const [first, ...others] = parts(bytes);
  if (!first) throw syntax("sequence truncated");
  if (others.length > 0) throw syntax("trailing data");
  return first;
}

/** The element, or a DerError if it has another tag. */
export function expected(part: Part | undefined, tag: number): Part {
  if (!part) throw syntax("sequence truncated");
  if (part.tag !== tag) throw structure(`tags don't match (${tag & 0x1f} vs ${part.tag & 0x1f})`);
  return part;
}

/** The content of an element with this tag and number of elements, or a DerError. */
export function within(part: Part | undefined, tag: number, least = 0, most = Infinity): Part[] {
  const found = parts(expected(part, tag).value);
  if (found.length < least) throw syntax("sequence truncated");
  if (found.length > most) throw syntax("trailing data");
  return found;
}
