/** The part of protobuf that small messages need (KMS plugins, profiles): fields of bytes, strings, numbers and maps of bytes. */
import { varint } from "../../../machinery/index.ts";

export type Fields = Map<number, (Uint8Array | number)[]>;

const lengthDelimited = 2;

/** The value of a field. A bigint is a fixed64. */
export type MemberValue = Uint8Array | string | number | bigint;

/** Encodes a field, even if it is empty. */
export function encodeMember(number: number, value: MemberValue): Buffer {
  if (typeof value === "number") return Buffer.from([...varint(number * 8), ...varint(value)]);
  if (typeof value === "bigint") {
    const fixed = Buffer.alloc(8);
    fixed.writeBigUInt64LE(value);
    return Buffer.concat([Buffer.from(varint(number * 8 + 1)), fixed]);
  }
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([Buffer.from(varint(number * 8 + lengthDelimited)), delimited(bytes)]);
}

/** Length-prefixed bytes. */
export const delimited = (bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(varint(bytes.length)), bytes]);

const isEmpty = (value: MemberValue): boolean =>
  typeof value === "string" || value instanceof Uint8Array ? value.length === 0 : Number(value) === 0;

/** Omits empty fields, as in proto3. */
export const encodeMessage = (members: readonly (readonly [number: number, value: MemberValue])[]): Buffer =>
  Buffer.concat(members.filter(([, value]) => !isEmpty(value)).map((member) => encodeMember(...member)));

/** Throws for an invalid message. */
export function decodeMessage(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 0x80) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 2 ** 63) throw new Error("unexpected EOF");
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = next();
    const number = Math.floor(tag / 8);
    let value: Uint8Array | number;
    switch (tag % 8) {
      case 0:
        value = next();
        break;
      case 1:
        value = bytes.subarray(at, (at += 8));
        break;
      case lengthDelimited: {
        const length = next();
        if (at + length > bytes.length) throw new Error("unexpected EOF");
        value = bytes.subarray(at, (at += length));
        break;
      }
      case 5:
        value = bytes.subarray(at, (at += 4));
        break;
      default:
        throw new Error(`proto: illegal wireType ${tag % 8}`);
    }
    const known = fields.get(number);
    if (known) known.push(value);
    else fields.set(number, [value]);
  }
  return fields;
}

export function bytesOf(fields: Fields, number: number): Buffer {
  const value = fields.get(number)?.at(-1);
  return value instanceof Uint8Array ? Buffer.from(value) : Buffer.alloc(0);
}

export const textOf = (fields: Fields, number: number): string => bytesOf(fields, number).toString("utf8");

export function numberOf(fields: Fields, number: number): number {
  const value = fields.get(number)?.at(-1);
  return typeof value === "number" ? value : 0;
}

/** map<string, bytes>: each entry a message of its own. */
export function mapOf(fields: Fields, number: number): Map<string, Buffer> {
  return new Map(
    (fields.get(number) ?? [])
      .filter((entry) => entry instanceof Uint8Array)
      .map((entry) => {
        const pair = decodeMessage(entry);
        return [textOf(pair, 1), bytesOf(pair, 2)];
      }),
  );
}

export const mapMembers = (
  number: number,
  map: ReadonlyMap<string, Uint8Array>,
): (readonly [number, Uint8Array])[] =>
  [...map].map(
    ([key, value]) =>
      [
        number,
        encodeMessage([
          [1, key],
          [2, value],
        ]),
      ] as const,
  );
