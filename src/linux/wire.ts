/**
 * The protocol between wherry and its native helper (native/bytes.c): a field is a 32-bit little-endian length, the bytes and a
 * NUL; a frame is payload length, type and payload.
 */
export type Field = string | number | bigint | boolean | Uint8Array;

/** Booleans are "1" and "". */
function fieldBytes(field: Field): Uint8Array {
  if (field instanceof Uint8Array) return field;
  const text = typeof field === "boolean" ? (field ? "1" : "") : String(field);
  if (text.includes("\0")) throw new RangeError("a NUL byte cannot be part of an argument");
  return Buffer.from(text);
}

export function encodeFields(fields: readonly Field[]): Buffer {
  const parts = fields.map(fieldBytes);
  const out = Buffer.alloc(parts.reduce((sum, part) => sum + part.length + 5, 0));
  let at = 0;
  for (const part of parts) {
    at = out.writeUInt32LE(part.length, at);
    out.set(part, at);
    at += part.length + 1;
  }
  return out;
}

/** A plan is a list of records, each with its number of fields in front. */
export function encodePlan(records: readonly (readonly Field[])[]): Buffer {
  return Buffer.concat(
    records.flatMap((record) => {
      const count = Buffer.alloc(4);
      count.writeUInt32LE(record.length);
      return [count, encodeFields(record)];
    }),
  );
}

export function decodeFields(data: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    const length = data.readUInt32LE(at);
    if (at + 5 + length > data.length) throw new RangeError("a field is longer than its frame");
    fields.push(data.subarray(at + 4, at + 4 + length));
    at += 5 + length;
  }
  return fields;
}

export function encodeFrame(type: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt32LE(type, 4);
  return Buffer.concat([head, payload]);
}

/** Splits a stream into frames; `take` is called for each, in order. */
export function frameReader(take: (type: number, payload: Buffer) => void): (chunk: Buffer) => void {
  let pending: Buffer[] = [];
  let have = 0;
  /** Number of bytes before which no further frame is complete. */
  let need = 8;
  return (chunk) => {
    pending.push(chunk);
    have += chunk.length;
    if (have < need) return;
    let data = pending.length === 1 ? chunk : Buffer.concat(pending, have);
    while (data.length >= 8) {
      const length = data.readUInt32LE(0);
      if (data.length < 8 + length) break;
      take(data.readUInt32LE(4), data.subarray(8, 8 + length));
      data = data.subarray(8 + length);
    }
    need = data.length >= 8 ? 8 + data.readUInt32LE(0) : 8;
    pending = data.length > 0 ? [data] : [];
    have = data.length;
  };
}
