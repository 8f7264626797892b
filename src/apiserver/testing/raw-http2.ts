/** A client of HTTP/2 that sends frames one by one, be they as wrong as they like (RFC 9113). Imported by tests alone. */
import { once } from "node:events";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

export const frameTypes = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const endStream = 1;
export const endHeaders = 4;
const acknowledgement = 1;

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

function integer(value: number, bits: number): Buffer {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.from([value]);
  const bytes = [most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

const string = (text: string): Buffer => Buffer.concat([integer(text.length, 7), Buffer.from(text)]);

/** A block of headers, each as a literal that nobody remembers (RFC 7541, 6.2.2). */
export const headerBlock = (headers: Record<string, string>): Buffer =>
  Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [Buffer.from([0]), string(name), string(value)]),
  );

export class RawHttp2 {
  readonly socket: TLSSocket;
  readonly closed: Promise<unknown>;
  readonly #frames: Frame[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    this.closed = once(socket, "close");
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("close", () => this.#wake?.());
  }

  /** Connected, with the settings of both sides agreed on. */
  static async open(options: ConnectionOptions): Promise<RawHttp2> {
    const client = await RawHttp2.begin(options);
    await client.agree();
    return client;
  }

  /** Connected, when the server's settings are not acknowledged yet. */
  static async begin(options: ConnectionOptions): Promise<RawHttp2> {
    const socket = connect({ ...options, ALPNProtocols: ["h2"] });
    const client = new RawHttp2(socket);
    await once(socket, "secureConnect");
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    client.send(frameTypes.settings, 0, 0);
    return client;
  }

  async agree(): Promise<void> {
    await this.until(({ type, flags }) => type === frameTypes.settings && flags === 0);
    this.send(frameTypes.settings, acknowledgement, 0);
    await this.until(({ type, flags }) => type === frameTypes.settings && flags === acknowledgement);
  }

  send(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): boolean {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    return this.socket.writable && this.socket.write(Buffer.concat([head, payload]));
  }

  request(stream: number, path: string, more: Record<string, string> = {}): boolean {
    const headers = { ":method": "GET", ":scheme": "https", ":authority": "x", ":path": path, ...more };
    return this.send(frameTypes.headers, endStream | endHeaders, stream, headerBlock(headers));
  }

  /** The next frame that is wanted; those before it are forgotten. Undefined when the connection has ended without one. */
  async until(wanted: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      for (let frame = this.#frames.shift(); frame; frame = this.#frames.shift())
        if (wanted(frame)) return frame;
      if (this.socket.closed) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const end = 9 + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < end) break;
      this.#frames.push({
        type: this.#rest[3] as number,
        flags: this.#rest[4] as number,
        stream: this.#rest.readUInt32BE(5),
        payload: this.#rest.subarray(9, end),
      });
      this.#rest = this.#rest.subarray(end);
    }
    this.#wake?.();
  }
}
