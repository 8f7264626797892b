/** An efficient client of an API server: HTTP/2 over TLS, a few connections. */
import { type ClientHttp2Session, connect } from "node:http2";
import { resolveKubeconfig } from "../../src/client/index.ts";

export interface Answer {
  status: number;
  body: Buffer;
  /** From the request to the last byte. */
  ms: number;
}

export interface Stream {
  /** Resolves with the status when the response's headers arrive. */
  begun: Promise<number>;
  /** Resolves when it has ended. */
  ended: Promise<void>;
  close(): void;
}

const windowBytes = 4 * 1024 * 1024;

export class Client {
  readonly #sessions: ClientHttp2Session[] = [];
  readonly #headers: Record<string, string>;
  /** Long-running streams by session: servers limit the streams per session. */
  readonly #lasting = new Map<ClientHttp2Session, number>();
  #next = 0;

  readonly #connect: () => ClientHttp2Session;

  private constructor(
    sessions: ClientHttp2Session[],
    headers: Record<string, string>,
    again: () => ClientHttp2Session,
  ) {
    this.#sessions = sessions;
    this.#headers = headers;
    this.#connect = again;
  }

  /** With the server and credentials of a kubeconfig. */
  static async open(kubeconfig: string, connections = 16): Promise<Client> {
    const { server, ca, cert, key, token } = resolveKubeconfig({ kubeconfig }, {}).connection;
    const begin = (): ClientHttp2Session => {
      const session = connect(server, {
        ...(ca ? { ca } : {}),
        ...(cert && key ? { cert, key } : {}),
        settings: { initialWindowSize: windowBytes },
      });
      session.once("connect", () => session.setLocalWindowSize(64 * 1024 * 1024));
      return session;
    };
    const sessions: ClientHttp2Session[] = [];
    for (let i = 0; i < connections; i++) {
      const session = begin();
      await new Promise<void>((done, fail) => session.once("connect", () => done()).once("error", fail));
      sessions.push(session);
    }
    const headers: Record<string, string> = { accept: "application/json", "user-agent": "wherry-bench/1" };
    if (token) headers.authorization = `Bearer ${token}`;
    return new Client(sessions, headers, begin);
  }

  /** Rejects when the connection breaks; resolves for any status. */
  request(
    method: string,
    path: string,
    body?: string | Buffer,
    type = "application/json",
    more: Record<string, string> = {},
  ): Promise<Answer> {
    const began = performance.now();
    const session = this.#session();
    const stream = session.request({
      ...this.#headers,
      ":method": method,
      ":path": path,
      ...(body === undefined ? {} : { "content-type": type }),
      ...more,
    });
    return new Promise((done, fail) => {
      let status = 0;
      const chunks: Buffer[] = [];
      stream.on("response", (headers) => (status = headers[":status"] ?? 0));
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => done({ status, body: Buffer.concat(chunks), ms: performance.now() - began }));
      stream.on("error", fail);
      stream.end(body);
    });
  }

  /** Like `request`, but throws unless the status is 2xx. */
  async ok(...args: Parameters<Client["request"]>): Promise<Answer> {
    const answer = await this.request(...args);
    if (answer.status >= 300) {
      throw new Error(`${args[0]} ${args[1]}: ${answer.status} ${answer.body.toString().slice(0, 200)}`);
    }
    return answer;
  }

  /** A watch, or another streamed response. */
  stream(path: string, onChunk: (chunk: Buffer) => void): Stream {
    const session = this.#roomy();
    const stream = session.request({ ...this.#headers, ":path": path });
    this.#lasting.set(session, (this.#lasting.get(session) ?? 0) + 1);
    stream.once("close", () => this.#lasting.set(session, (this.#lasting.get(session) ?? 1) - 1));
    stream.on("data", onChunk);
    stream.on("error", () => undefined);
    return {
      begun: new Promise((done, fail) => {
        stream.once("response", (headers) => done(headers[":status"] ?? 0));
        stream.once("close", () => fail(new Error(`${path} ended before it began`)));
      }),
      ended: new Promise((done) => stream.once("close", () => done())),
      close: () => stream.close(),
    };
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }

  /** A session with a free stream for a long-running request. */
  #roomy(): ClientHttp2Session {
    for (let i = 0; i < this.#sessions.length; i++) {
      const session = this.#session();
      const most = session.remoteSettings?.maxConcurrentStreams ?? 100;
      if ((this.#lasting.get(session) ?? 0) < most * 0.8) return session;
    }
    const more = this.#connect();
    this.#sessions.push(more);
    return more;
  }

  /** The next session; idle ones that the server closed are reopened. */
  #session(): ClientHttp2Session {
    const at = this.#next++ % this.#sessions.length;
    const session = this.#sessions[at] as ClientHttp2Session;
    if (!session.closed && !session.destroyed) return session;
    const again = this.#connect();
    this.#sessions[at] = again;
    return again;
  }
}

/** Runs `operation` `count` times with this number of concurrent clients; returns the sorted durations in ms. */
export async function drive(
  count: number,
  clients: number,
  operation: (client: number, i: number) => Promise<unknown>,
): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      while (next < count) {
        const i = next++;
        const began = performance.now();
        await operation(client, i);
        times.push(performance.now() - began);
      }
    }),
  );
  return times.sort((a, b) => a - b);
}

export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;

export const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
