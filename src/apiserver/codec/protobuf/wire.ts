/** The wire format of protocol buffers: a message is a run of (field number, wire type, value). */
export class WireError extends Error {
  override readonly name = "WireError";
}

export interface WireField {
  number: number;
  /** Varints and fixed numbers as bigint, everything else as bytes. */
  value: bigint | Uint8Array;
}

export function* readFields(bytes: Uint8Array): Generator<WireField> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new WireError("unexpected EOF");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new WireError("integer overflow");
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new WireError("unexpected EOF");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    if (number === 0) throw new WireError("illegal tag 0");
    switch (Number(tag & 7n)) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        take(8);
        yield { number, value: view.getBigUint64(at - 8, true) };
        break;
      case 2:
        yield { number, value: take(Number(varint())) };
        break;
      case 5:
        take(4);
        yield { number, value: BigInt(view.getUint32(at - 4, true)) };
        break;
      default:
        throw new WireError(`illegal wireType ${Number(tag & 7n)}`);
    }
  }
}

/** The varints of a packed list. */
export function readPacked(bytes: Uint8Array): bigint[] {
  const found: bigint[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte < 0x80) {
      found.push(value);
      value = 0n;
      shift = 0n;
    }
  }
  return found;
}
