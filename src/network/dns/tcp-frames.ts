/** DNS over TCP: two bytes of length before each message (RFC 1035 section 4.2.2). */
export function frame(message: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(message.length + 2);
  out.writeUInt16BE(message.length, 0);
  out.set(message, 2);
  return out;
}

/** Assembles messages from chunks. Holds at most one incomplete message (64 KiB). */
export class FrameReader {
  #held: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Iterable<Buffer> {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    while (this.#held.length >= 2) {
      const size = this.#held.readUInt16BE(0);
      if (this.#held.length < size + 2) return;
      const message = this.#held.subarray(2, size + 2);
      this.#held = this.#held.subarray(size + 2);
      yield message;
    }
  }
}
