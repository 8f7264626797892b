/** The few forms of DER (X.690) that an X.509 certificate is made of. */

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

/** An element as it was read. */
export interface Part {
  tag: number;
  value: Buffer;
  /** With tag and length. */
  raw: Buffer;
}

/** Elements in DER that follow one another; ends early where the bytes make no sense. */
export function* parts(bytes: Buffer): Generator<Part> {
  for (let at = 0; at + 2 <= bytes.length; ) {
    const start = at;
    const tag = bytes[at] as number;
    let length = bytes[at + 1] as number;
    at += 2;
    if (length & 0x80) {
      const digits = length & 0x7f;
      if (digits === 0 || digits > 4 || at + digits > bytes.length) return;
      length = bytes.readUIntBE(at, digits);
      at += digits;
    }
    if (at + length > bytes.length) return;
    yield { tag, value: bytes.subarray(at, at + length), raw: bytes.subarray(start, at + length) };
    at += length;
  }
}

/** What is within an element, if it is one of this kind. */
export const within = (part: Part | undefined, tag: number): Part[] =>
  part?.tag === tag ? [...parts(part.value)] : [];
