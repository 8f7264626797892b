import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import type { Clock } from "../../machinery/index.ts";
import { FrameReader, frame } from "./tcp-frames.ts";

export interface ForwarderOptions {
  /** Resolvers in order of preference, read for every query. */
  resolvers(): readonly string[];
  clock: Clock;
  /** Timeout per resolver. Default 2 s. */
  timeoutMs?: number;
  port?: number;
}

/** A resolver that did not answer is skipped for this time, unless all are. */
const restMs = 5_000;
/** Limit of pending queries, which bounds the memory when a resolver hangs. */
const maxWaiting = 1_000;

/** Forwards queries for names outside the cluster to the host's resolvers. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #restsUntil = new Map<string, number>();
  #waiting = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** The response with the query's own id, or undefined when no resolver responds. Never rejects. */
  async exchange(query: Uint8Array, protocol: "udp" | "tcp"): Promise<Buffer | undefined> {
    if (this.#waiting >= maxWaiting) return undefined;
    this.#waiting++;
    try {
      for (const resolver of this.#order()) {
        const answer = await this.#ask(resolver, query, protocol);
        if (answer) {
          this.#restsUntil.delete(resolver);
          return answer;
        }
        this.#restsUntil.set(resolver, this.#options.clock.monotonic() + restMs);
      }
      return undefined;
    } finally {
      this.#waiting--;
    }
  }

  /** Working ones first. Without any, one is retried now and then, and other queries fail at once. */
  #order(): string[] {
    const now = this.#options.clock.monotonic();
    const all = this.#options.resolvers();
    return all.filter((resolver) => (this.#restsUntil.get(resolver) ?? 0) <= now);
  }

  #ask(resolver: string, query: Uint8Array, protocol: "udp" | "tcp"): Promise<Buffer | undefined> {
    const id = randomInt(65_536);
    const packet = Buffer.from(query);
    packet.writeUInt16BE(id, 0);
    const port = this.#options.port ?? 53;
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    const finish =
      protocol === "udp"
        ? overUdp(resolver, port, packet, resolve)
        : overTcp(resolver, port, packet, resolve);
    const timer = this.#options.clock.timer(this.#options.timeoutMs ?? 2_000, () => resolve(undefined));
    return promise
      .then((answer) => {
        if (!answer) return undefined;
        const own = Buffer.from(answer);
        Buffer.from(query).copy(own, 0, 0, 2);
        return own;
      })
      .finally(() => {
        timer.stop();
        finish();
      });
  }
}

/** A socket per query: its port cannot be guessed, and being connected it accepts only the resolver's packets. */
function overUdp(
  resolver: string,
  port: number,
  packet: Buffer,
  done: (answer: Buffer | undefined) => void,
): () => void {
  const socket = createSocket(isIPv6(resolver.split("%")[0] ?? "") ? "udp6" : "udp4");
  let open = true;
  socket.on("error", () => done(undefined));
  socket.on("message", (answer) => {
    if (isAnswer(answer, packet)) done(answer);
  });
  socket.connect(port, resolver, () => {
    if (!open) return;
    socket.send(packet, (error) => {
      if (error) done(undefined);
    });
  });
  return () => {
    open = false;
    socket.close();
  };
}

function overTcp(
  resolver: string,
  port: number,
  packet: Buffer,
  done: (answer: Buffer | undefined) => void,
): () => void {
  const socket = connect(port, resolver, () => socket.write(frame(packet)));
  const reader = new FrameReader();
  socket.on("data", (chunk) => {
    for (const answer of reader.push(chunk)) if (isAnswer(answer, packet)) done(answer);
  });
  socket.on("error", () => done(undefined));
  socket.on("close", () => done(undefined));
  return () => socket.destroy();
}

/** Same id, a response, and the same question byte for byte (case included, as far as there is one). */
function isAnswer(answer: Buffer, query: Buffer): boolean {
  if (answer.length < 12 || answer.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if ((answer.readUInt8(2) & 0x80) === 0) return false;
  // Some servers omit the question in errors.
  if (answer.readUInt16BE(4) === 0) return true;
  const end = questionEnd(query);
  return (
    answer.subarray(12, end).toString("latin1").toLowerCase() ===
    query.subarray(12, end).toString("latin1").toLowerCase()
  );
}

function questionEnd(packet: Buffer): number {
  let at = 12;
  while (at < packet.length && packet.readUInt8(at) !== 0 && packet.readUInt8(at) < 64)
    at += packet.readUInt8(at) + 1;
  return Math.min(packet.length, at + 5);
}
