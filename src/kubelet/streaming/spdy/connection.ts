import { Duplex } from "node:stream";
import { controlFrame, dataFrame, flagFin, FrameReader, frameType, words } from "./frames.ts";
import { createHeaderReader, createHeaderWriter, type SpdyHeaders } from "./header-block.ts";

/** Maximum size of data frames, so that streams of a connection take turns. */
const maxData = 32 * 1024;
const maxStreams = 1024;
const statusProtocolError = 1;
const statusRefused = 3;

/** A stream of a connection. Reading ends when the peer closes its half, `end()` closes the local one. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: SpdyHeaders;
  readonly #send: (frame: Buffer, done: (error?: Error | null) => void) => void;
  #resume: (() => void) | undefined;

  constructor(
    id: number,
    headers: SpdyHeaders,
    send: (frame: Buffer, done: (error?: Error | null) => void) => void,
  ) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.headers = headers;
    this.#send = send;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (chunk.length <= maxData) this.#send(dataFrame(this.id, chunk), done);
    else
      this.#send(dataFrame(this.id, chunk.subarray(0, maxData)), (error) =>
        error ? done(error) : this._write(chunk.subarray(maxData), _encoding, done),
      );
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#send(dataFrame(this.id, Buffer.alloc(0), flagFin), () => done());
  }

  override _read(): void {
    this.#resume?.();
    this.#resume = undefined;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#resume?.();
    this.#resume = undefined;
    done(error);
  }

  /** Resolves when the reader wants more; the connection waits for it, as its only flow control. */
  async deliver(chunk: Buffer): Promise<void> {
    if (this.destroyed || this.readableEnded || this.push(chunk)) return;
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
  }

  finishReading(): void {
    if (!this.destroyed && !this.readableEnded) this.push(null);
  }
}

/** The server side of a SPDY/3.1 connection over any duplex stream. */
export class SpdyConnection {
  readonly closed: Promise<void>;
  readonly #carrier: Duplex;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #encode = createHeaderWriter();
  readonly #onStream: (stream: SpdyStream) => void;
  #lastStream = 0;

  /** `onStream` is called for every stream that the client opens, after the reply. */
  constructor(carrier: Duplex, head: Buffer, onStream: (stream: SpdyStream) => void) {
    this.#carrier = carrier;
    this.#onStream = onStream;
    carrier.on("error", () => {}); // handled by the read loop
    this.closed = this.#run(head);
  }

  /**
   * Rejects new streams, and ends when all written data is sent. Data from the client is read and dropped until it closes, too:
   * nothing waits for closed readers.
   */
  close(): void {
    for (const stream of this.#streams.values()) stream.destroy();
    if (this.#carrier.destroyed || this.#carrier.writableEnded) return;
    this.#carrier.write(controlFrame(frameType.goAway, words(this.#lastStream, 0)));
    this.#carrier.end();
  }

  destroy(): void {
    this.#carrier.destroy();
  }

  async #run(head: Buffer): Promise<void> {
    const reader = new FrameReader();
    const headers = createHeaderReader();
    const take = async (chunk: Buffer): Promise<void> => {
      for (const frame of reader.push(chunk)) {
        if (frame.control) await this.#control(frame.type, frame.flags, frame.payload, headers.read);
        else await this.#data(frame.stream, frame.flags, frame.payload);
      }
    };
    try {
      if (head.length > 0) await take(head);
      for await (const chunk of this.#carrier) await take(chunk as Buffer);
    } catch {
      // A broken peer or connection: users of the streams see them end.
    } finally {
      headers.close();
      this.#carrier.destroy();
      for (const stream of this.#streams.values()) stream.destroy();
    }
  }

  async #control(
    type: number,
    flags: number,
    payload: Buffer,
    read: (block: Buffer) => Promise<SpdyHeaders>,
  ): Promise<void> {
    switch (type) {
      case frameType.synStream: {
        const headers = await read(payload.subarray(10));
        this.#open(payload.readUInt32BE(0) & 0x7fffffff, headers, flags);
        break;
      }
      case frameType.headers:
        await read(payload.subarray(4)); // keeps the compression context in sync
        if (flags & flagFin) this.#streams.get(payload.readUInt32BE(0) & 0x7fffffff)?.finishReading();
        break;
      case frameType.synReply:
        await read(payload.subarray(4));
        break;
      case frameType.rstStream: {
        const id = payload.readUInt32BE(0) & 0x7fffffff;
        this.#streams.get(id)?.destroy();
        this.#streams.delete(id);
        break;
      }
      case frameType.ping:
        // Odd ids are the client's pings, even ones replies to the server's.
        if (payload.readUInt32BE(0) % 2 === 1) this.#carrier.write(controlFrame(frameType.ping, payload));
        break;
      default: // settings, window updates, go-away: nothing to do
    }
  }

  #open(id: number, headers: SpdyHeaders, flags: number): void {
    if (id % 2 === 0 || id <= this.#lastStream || this.#streams.size >= maxStreams) {
      const status = this.#streams.size >= maxStreams ? statusRefused : statusProtocolError;
      this.#carrier.write(controlFrame(frameType.rstStream, words(id, status)));
      return;
    }
    this.#lastStream = id;
    const stream = new SpdyStream(id, headers, (frame, done) => {
      if (this.#carrier.destroyed || this.#carrier.writableEnded) done(new Error("the connection is closed"));
      else this.#carrier.write(frame, done);
    });
    stream.on("error", () => {});
    stream.once("close", () => this.#streams.delete(id));
    this.#streams.set(id, stream);
    this.#carrier.write(controlFrame(frameType.synReply, Buffer.concat([words(id), this.#encode({})])));
    if (flags & flagFin) stream.finishReading();
    this.#onStream(stream);
  }

  async #data(id: number, flags: number, payload: Buffer): Promise<void> {
    const stream = this.#streams.get(id);
    if (!stream) return; // already closed locally
    if (payload.length > 0) await stream.deliver(payload);
    if (flags & flagFin) stream.finishReading();
  }
}
