/** Reads the wire format of protocol buffers: a message is a run of (field number, wire type, value). */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** An invalid field; the decoder of the message adds its name, as in Kubernetes. */
export class IllegalTagError extends WireError {}

export class WireReader {
  readonly #bytes: Buffer;
  #at: number;
  #end: number;
  /** Number of the field found by `next`. */
  number = 0;
  wire = 0;
  /** Name of the field for errors; set by the decoder. */
  what = "";

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#end = bytes.length;
  }

  /** Packed lists have values without tags. */
  get more(): boolean {
    return this.#at < this.#end;
  }

  /** Moves to the next field of the message; false at its end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.int();
    const number = typeof tag === "number" ? Math.floor(tag / 8) : 0;
    this.number = number;
    this.wire = Number(tag) & 7;
    if (number <= 0) throw new IllegalTagError(`illegal tag ${number} (wire type ${this.wire})`);
    return true;
  }

  /** Begins to read a length-prefixed message; `leave` goes back to the one around it. */
  enter(): number {
    const length = this.#length();
    const outer = this.#end;
    this.#end = this.#at + length;
    return outer;
  }

  leave(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
  }

  /** A varint as a signed 64-bit number, exactly: beyond 53 bits it is a bigint. */
  int(): number | bigint {
    const bytes = this.#bytes;
    let value = 0;
    let scale = 1;
    const start = this.#at;
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte(bytes);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    this.#at = start;
    let big = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte(bytes);
      big |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const signed = BigInt.asIntN(64, big);
        const small = Number(signed);
        return Number.isSafeInteger(small) ? small : signed;
      }
    }
    throw new WireError("integer overflow");
  }

  double(): number {
    if (this.#end - this.#at < 8) throw new WireError("unexpected EOF");
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  text(): string {
    const length = this.#length();
    this.#at += length;
    return this.#bytes.toString("utf8", this.#at - length, this.#at);
  }

  /** A view of the bytes. */
  bytes(): Buffer {
    const length = this.#length();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Skips the value of an unknown field. */
  skip(): void {
    switch (this.wire) {
      case 0:
        this.int();
        return;
      case 1:
        this.double();
        return;
      case 2:
        this.bytes();
        return;
      case 5:
        if (this.#end - this.#at < 4) throw new WireError("unexpected EOF");
        this.#at += 4;
        return;
      default:
        throw new WireError(`illegal wireType ${this.wire}`);
    }
  }

  /** Throws unless the field has this wire type. */
  expect(wire: number, what: string): void {
    if (this.wire !== wire) throw new WireError(`proto: wrong wireType = ${this.wire} for field ${what}`);
  }

  #byte(bytes: Buffer): number {
    if (this.#at >= this.#end) throw new WireError("unexpected EOF");
    return bytes[this.#at++] as number;
  }

  #length(): number {
    this.expect(2, this.what);
    const length = this.int();
    if (typeof length !== "number" || length < 0)
      throw new WireError("negative length found during unmarshaling");
    if (length > this.#end - this.#at) throw new WireError("unexpected EOF");
    return length;
  }
}
