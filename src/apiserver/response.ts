import type { StatusError } from "../machinery/index.ts";
import { DeniedError } from "./errors.ts";

/** Takes a stream's chunks without waiting; what the client has not read yet counts as backlog. */
export interface StreamSink {
  /** One event. */
  write(chunk: Uint8Array): void;
  /** One event in parts, copied only where that cannot be avoided. */
  writeParts(parts: readonly Uint8Array[]): void;
  end(): void;
  /** Bytes written and not sent yet. */
  readonly backlog: number;
  /** Calls back once, asynchronously, when everything written has been sent; never if the client leaves. */
  whenTaken(callback: () => void): void;
}

/** A body that is pushed: watches write the same bytes to thousands of sinks, with no promise per chunk. */
export interface PushStream {
  /** Begins to write. The returned function is called once when the client leaves. */
  start(sink: StreamSink): () => void;
}

/** A long body made of bytes in memory: put together piece by piece as the client reads. */
export interface Assembly {
  /** The next piece, in `scratch` or in memory that must not be written to; undefined at the end. */
  next(scratch: Uint8Array): Uint8Array | undefined;
  /** The same body compressed with gzip, instead of `next`. */
  readonly packed?: (() => AsyncIterable<Uint8Array>) | undefined;
}

/** An answer inside the server, before a carrier takes it. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array | PushStream | Assembly | AsyncIterable<Uint8Array>;
  /** Another server's bytes: passed on as they arrive and not compressed, since that would delay them. */
  asIs?: boolean;
  /** Ends when another server ends it: not waited for when this server closes. */
  lasts?: boolean;
  /** When it must have been sent: `cut` calls back at that time unless `end` was called before. */
  deadline?: { cut(run: () => void): void; end(): void };
  /** The client is not authenticated: an HTTP/2 connection is closed after the answer (CVE-2023-44487). */
  unauthenticated?: boolean;
  /** The connection is closed after it. */
  hangUp?: boolean;
  /** Called at least once when a stream has been sent or its client has left. */
  over?: () => void;
}

export const isPushStream = (body: Answer["body"]): body is PushStream =>
  typeof (body as Partial<PushStream>).start === "function";

export const isAssembly = (body: Answer["body"]): body is Assembly =>
  typeof (body as Partial<Assembly>).next === "function" && !(Symbol.asyncIterator in body);

/** Size of the pieces of an assembly. */
export const pieceBytes = 256 * 1024;

/** The pieces of an assembly for readers that keep them: each in memory of its own. */
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

/** An error that is answered as plain text, not as a Status. */
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

/** Adds the headers of an error. */
export function withErrorHeaders(error: StatusError, answer: Answer): Answer {
  const retry = error.details?.retryAfterSeconds;
  if (retry !== undefined) answer.headers["retry-after"] = String(retry);
  if (error instanceof DeniedError) answer.headers["x-content-type-options"] = "nosniff";
  return answer;
}
