/** SPDY/3.1 framing (draft-mbelshe-httpbis-spdy-00, section 2.2), as far as Kubernetes uses it. */
export const frameType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

export const flagFin = 1;

export type Frame =
  | { control: false; stream: number; flags: number; payload: Buffer }
  | { control: true; type: number; flags: number; payload: Buffer };

const headerLength = 8;
/** Limit of a frame's length; clients send shorter ones. */
const maxPayload = 4 * 1024 * 1024;

/** Splits chunks into frames. */
export class FrameReader {
  #pending: Buffer[] = [];
  #length = 0;

  /** Throws for a frame that is too long. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#pending.push(chunk);
    this.#length += chunk.length;
    while (this.#length >= headerLength) {
      const head = this.#peek(headerLength);
      const length = head.readUIntBE(5, 3);
      if (length > maxPayload) throw new Error(`SPDY frame of ${length} bytes is too long`);
      if (this.#length < headerLength + length) return;
      const whole = this.#take(headerLength + length);
      const payload = whole.subarray(headerLength);
      const flags = whole.readUInt8(4);
      const word = whole.readUInt32BE(0);
      yield word & 0x80000000
        ? { control: true, type: word & 0xffff, flags, payload }
        : { control: false, stream: word, flags, payload };
    }
  }

  #peek(length: number): Buffer {
    if ((this.#pending[0]?.length ?? 0) < length) this.#pending = [Buffer.concat(this.#pending)];
    return this.#pending[0] as Buffer;
  }

  #take(length: number): Buffer {
    const first = this.#peek(length);
    const taken = first.subarray(0, length);
    if (first.length === length) this.#pending.shift();
    else this.#pending[0] = first.subarray(length);
    this.#length -= length;
    return taken;
  }
}

export function dataFrame(stream: number, payload: Uint8Array, flags = 0): Buffer {
  const frame = Buffer.allocUnsafe(headerLength + payload.length);
  frame.writeUInt32BE(stream, 0);
  frame.writeUInt32BE(payload.length, 4);
  frame.writeUInt8(flags, 4);
  frame.set(payload, headerLength);
  return frame;
}

export function controlFrame(type: number, payload: Uint8Array, flags = 0): Buffer {
  const frame = Buffer.allocUnsafe(headerLength + payload.length);
  frame.writeUInt32BE((0x80030000 | type) >>> 0, 0);
  frame.writeUInt32BE(payload.length, 4);
  frame.writeUInt8(flags, 4);
  frame.set(payload, headerLength);
  return frame;
}

/** Consecutive 32-bit words. */
export function words(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => buffer.writeUInt32BE(value >>> 0, index * 4));
  return buffer;
}
