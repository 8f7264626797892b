import { Duplex, Readable, Writable } from "node:stream";
import type { RawData, WebSocket } from "ws";

/** v5: [255, channel] closes a channel. */
const closeSignal = 255;

/**
 * Several byte streams in a WebSocket: the first byte of each message is the channel's number; in the base64 variants it is a
 * digit and the rest is base64.
 */
export class WebSocketChannels {
  /** Resolves when the connection is closed. */
  readonly gone: Promise<void>;
  readonly #socket: WebSocket;
  readonly #base64: boolean;
  readonly #readers = new Map<number, (chunk: Buffer | null) => boolean>();

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#base64 = socket.protocol.includes("base64");
    this.gone = new Promise((resolve) => {
      socket.once("close", () => {
        for (const read of this.#readers.values()) read(null);
        resolve();
      });
    });
    socket.on("error", () => {}); // followed by close
    socket.on("message", (data, binary) => this.#take(data, binary));
  }

  /** The client's data on a channel. Ends with the v5 close signal, or with the connection. */
  readable(channel: number): Readable {
    const stream = new Readable({ read: () => this.#socket.resume() });
    this.#readers.set(channel, (chunk) => {
      if (stream.destroyed || stream.readableEnded) return true;
      return stream.push(chunk);
    });
    stream.once("close", () => {
      this.#readers.delete(channel);
      this.#socket.resume();
    });
    return stream;
  }

  writable(channel: number): Writable {
    return new Writable({ write: (chunk: Buffer, _encoding, done) => this.send(channel, chunk, done) });
  }

  duplex(channel: number): Duplex {
    return Duplex.from({ readable: this.readable(channel), writable: this.writable(channel) });
  }

  onMessage(channel: number, listener: (chunk: Buffer) => void): void {
    this.#readers.set(channel, (chunk) => {
      if (chunk) listener(chunk);
      return true;
    });
  }

  send(channel: number, chunk: Uint8Array, done: (error?: Error | null) => void = () => {}): void {
    if (this.#socket.readyState !== this.#socket.OPEN) done(new Error("the connection is closed"));
    else if (this.#base64)
      this.#socket.send(`${channel}${Buffer.from(chunk).toString("base64")}`, { binary: false }, done);
    else this.#socket.send(Buffer.concat([Buffer.from([channel]), chunk]), { binary: true }, done);
  }

  /** Data from the client is read and dropped until it closes, too. */
  close(): void {
    this.#readers.clear();
    this.#socket.resume();
    this.#socket.close(1000);
  }

  #take(data: RawData, binary: boolean): void {
    const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data as ArrayBuffer);
    if (bytes.length === 0) return;
    if (this.#base64 || !binary) {
      const channel = (bytes[0] ?? 0) - 0x30;
      this.#deliver(
        channel,
        this.#base64 ? Buffer.from(bytes.toString("latin1", 1), "base64") : bytes.subarray(1),
      );
      return;
    }
    const [channel = 0] = bytes;
    if (channel === closeSignal) {
      if (this.#socket.protocol.startsWith("v5.")) this.#readers.get(bytes[1] ?? 0)?.(null);
      return;
    }
    this.#deliver(channel, bytes.subarray(1));
  }

  #deliver(channel: number, chunk: Buffer): void {
    const read = this.#readers.get(channel);
    // An empty message has no data, and `push` of it has no effect.
    if (!read || chunk.length === 0) return;
    if (!read(chunk)) this.#socket.pause();
  }
}
