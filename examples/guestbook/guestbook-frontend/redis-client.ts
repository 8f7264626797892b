import { connect, type Socket } from "node:net";
import { type Reply, ReplyReader } from "./redis-reply.ts";

export interface RedisOptions {
  host: string;
  port: number;
  password?: string;
  /** Milliseconds until a command without an answer counts as failed. */
  timeoutMs?: number;
}

interface Waiting {
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

/**
 * A small Redis client: one connection, commands in order (RESP 2, redis.io/docs/reference/protocol-spec). It connects when
 * there is something to send, and again after the connection was lost; what was under way then fails, since nobody knows
 * whether it was carried out.
 */
export class RedisClient {
  readonly #options: RedisOptions;
  #socket: Socket | undefined;
  #waiting: Waiting[] = [];

  constructor(options: RedisOptions) {
    this.#options = options;
  }

  send(...words: string[]): Promise<Reply> {
    const socket = this.#connected();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      socket.setTimeout(this.#options.timeoutMs ?? 3000);
      socket.write(encode(words));
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #connected(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const { host, port, password } = this.#options;
    const socket = connect({ host, port, noDelay: true, keepAlive: true });
    this.#socket = socket;
    const waiting: Waiting[] = [];
    this.#waiting = waiting;
    const reader = new ReplyReader((reply) => {
      const next = waiting.shift();
      if (waiting.length === 0) socket.setTimeout(0);
      if (reply instanceof Error) next?.reject(reply);
      else next?.resolve(reply);
    });
    let why = new Error(`redis at ${host}:${port} closed the connection`);
    socket.on("data", (chunk) => {
      try {
        reader.write(chunk);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.on("timeout", () => socket.destroy(new Error(`redis at ${host}:${port} does not answer`)));
    socket.on("error", (error) => {
      why = error;
    });
    socket.on("close", () => {
      if (this.#socket === socket) this.#socket = undefined;
      for (const { reject } of waiting.splice(0)) reject(why);
    });
    if (password) {
      // The answer that matters is that of the command behind it: without the right password it is NOAUTH.
      waiting.push({ resolve: () => {}, reject: (error) => socket.destroy(error) });
      socket.write(encode(["AUTH", password]));
    }
    return socket;
  }
}

function encode(words: readonly string[]): Buffer {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join("")}`);
}
