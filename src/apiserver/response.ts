import type { StatusError } from "../machinery/index.ts";
import { DeniedError } from "./errors.ts";

/** Takes a stream's chunks at once; what the other end has not taken yet counts as backlog. */
export interface StreamSink {
  /** One event. */
  write(chunk: Uint8Array): void;
  /** One event in parts, which are not copied where that can be helped. */
  writeParts(parts: readonly Uint8Array[]): void;
  end(): void;
  /** Bytes written and not yet on their way. */
  readonly backlog: number;
  /** Calls back once, later, when all that was written is on its way; never when the reader has gone. */
  whenTaken(callback: () => void): void;
}

/** A body that is pushed: watches write the same bytes to thousands of sinks, with no promise per chunk. */
export interface PushStream {
  /** Begins to write. The returned function is called once when the reader goes away. */
  start(sink: StreamSink): () => void;
}

/** A long body of bytes that are there already: put together piece by piece as the client takes them. */
export interface Assembly {
  /** The next piece, made in `scratch` or handed out as it is (nobody writes to it); undefined at the end. */
  next(scratch: Uint8Array): Uint8Array | undefined;
  /** Instead of that: the same bytes as gzip packs them, where they are at hand so. */
  readonly packed?: (() => AsyncIterable<Uint8Array>) | undefined;
}

/** An answer inside the server, before a carrier takes it. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array | PushStream | Assembly | AsyncIterable<Uint8Array>;
  /** Another server's bytes: passed on as they come, and not compressed, which would hold them back. */
  asIs?: boolean;
  /** It lasts as long as somebody else likes: the server does not wait for its end when it closes. */
  lasts?: boolean;
  /** By when it has to be sent: `cut` calls back then, but not any more after `end`. */
  deadline?: { cut(run: () => void): void; end(): void };
  /** For somebody who did not say who they are: a connection of HTTP/2, which can do much harm, is closed after it (CVE-2023-44487). */
  stranger?: boolean;
  /** The connection is closed after it. */
  hangUp?: boolean;
  /** Called once, or more often, when a stream has been sent to its end or nobody reads on. */
  over?: () => void;
}

export const isPushStream = (body: Answer["body"]): body is PushStream =>
  typeof (body as Partial<PushStream>).start === "function";

export const isAssembly = (body: Answer["body"]): body is Assembly =>
  typeof (body as Partial<Assembly>).next === "function" && !(Symbol.asyncIterator in body);

/** So much of an assembly is made at a time. */
export const pieceBytes = 256 * 1024;

/** An assembly for readers that keep what they get. */
export async function* pieces(body: Assembly): AsyncGenerator<Uint8Array> {
  for (;;) {
    const piece = body.next(Buffer.allocUnsafeSlow(pieceBytes));
    if (!piece) return;
    yield piece;
  }
}

export const jsonAnswer = (status: number, value: unknown): Answer =>
  bytesAnswer(status, Buffer.from(`${JSON.stringify(value)}\n`));

export const bytesAnswer = (status: number, body: Uint8Array, type = "application/json"): Answer => ({
  status,
  headers: { "content-type": type, "cache-control": "no-cache, private" },
  body,
});

export const textAnswer = (status: number, text: string): Answer => ({
  status,
  headers: {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-cache, private",
    "x-content-type-options": "nosniff",
  },
  body: Buffer.from(text),
});

/** What is answered with a plain page and not with an error of the API. */
export class PageError extends Error {
  override readonly name = "PageError";
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }

  get answer(): Answer {
    return textAnswer(this.status, this.message);
  }
}

export const errorAnswer = (error: StatusError): Answer =>
  withErrorHeaders(error, jsonAnswer(error.code, error.toStatus()));

/** What a failure says besides its body. */
export function withErrorHeaders(error: StatusError, answer: Answer): Answer {
  const retry = error.details?.retryAfterSeconds;
  if (retry !== undefined) answer.headers["retry-after"] = String(retry);
  if (error instanceof DeniedError) answer.headers["x-content-type-options"] = "nosniff";
  return answer;
}
