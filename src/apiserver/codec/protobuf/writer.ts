/**
 * Writes the wire format of protocol buffers backwards: the content of a length-prefixed field is written before its length, so
 * that nothing is measured first or moved afterwards.
 */
const shortText = 48;
const lowBits = 0x7f;

export class BackwardWriter {
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  /** Everything from here to the end of the buffer is written. */
  #at = this.#buffer.length;

  /** Discards the content, and the buffer if it has grown large. */
  reset(): void {
    if (this.#buffer.length > 4 * 1024 * 1024) this.#buffer = Buffer.allocUnsafeSlow(64 * 1024);
    this.#at = this.#buffer.length;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  /** A copy in memory of its own. */
  take(): Buffer {
    const out = Buffer.allocUnsafeSlow(this.length);
    this.#buffer.copy(out, 0, this.#at);
    return out;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#at -= value.length;
    this.#buffer.set(value, this.#at);
  }

  text(value: string): void {
    const { length } = value;
    this.#reserve(length * 3);
    const buffer = this.#buffer;
    if (length <= shortText) {
      // Most strings are short and ASCII; a call into the engine costs more than this loop.
      let at = this.#at;
      let i = length - 1;
      for (; i >= 0; i--) {
        const code = value.charCodeAt(i);
        if (code > lowBits) break;
        buffer[--at] = code;
      }
      if (i < 0) {
        this.#at = at;
        return;
      }
    }
    const size = Buffer.byteLength(value);
    this.#at -= size;
    buffer.write(value, this.#at, size, "utf8");
  }

  /** A non-negative integer of at most 53 bits. */
  varint(value: number): void {
    this.#reserve(10);
    const buffer = this.#buffer;
    if (value < 128) {
      buffer[--this.#at] = value;
      return;
    }
    let size = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
    let at = (this.#at -= size);
    let rest = value;
    while (rest >= 128) {
      buffer[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    buffer[at] = rest;
  }

  /** A signed integer: negative ones take ten bytes, even those of 32 bits. */
  signed(value: number | bigint): void {
    if (typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      this.varint(value);
      return;
    }
    let rest = BigInt.asUintN(64, typeof value === "bigint" ? value : BigInt(Math.trunc(value)));
    const groups: number[] = [];
    do {
      groups.push(Number(rest & 0x7fn));
      rest >>= 7n;
    } while (rest > 0n);
    this.#reserve(10);
    this.#at -= groups.length;
    for (let i = 0; i < groups.length; i++) {
      this.#buffer[this.#at + i] = (groups[i] as number) | (i < groups.length - 1 ? 0x80 : 0);
    }
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#buffer.writeDoubleLE(value, this.#at);
  }

  /** Four bytes in big-endian order: the length of a stream's frame. */
  uint32(value: number): void {
    this.#reserve(4);
    this.#at -= 4;
    this.#buffer.writeUInt32BE(value, this.#at);
  }

  /** `wire`: 0 varint, 1 eight bytes, 2 length-prefixed. */
  tag(number: number, wire: 0 | 1 | 2): void {
    this.varint(number * 8 + wire);
  }

  /** Closes what was written since `before` as the value of a length-prefixed field. */
  close(number: number, before: number): void {
    this.varint(this.length - before);
    this.tag(number, 2);
  }

  #reserve(count: number): void {
    if (count <= this.#at) return;
    const used = this.length;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, used + count));
    this.#buffer.copy(grown, grown.length - used, this.#at);
    this.#buffer = grown;
    this.#at = grown.length - used;
  }
}
