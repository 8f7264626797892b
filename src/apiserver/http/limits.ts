/** What one connection may take, as kube-apiserver has it (pkg/server/secure_serving.go) and Go's servers below it. */
import type { ServerHttp2Session } from "node:http2";

const mebibyte = 1024 * 1024;

/** Of all headers of a request and its first line. */
export const http1HeaderBytes = mebibyte + 4096;
/** As HTTP/2 counts: 32 bytes for each header besides its name and value (RFC 9113, 10.5.1). */
const http2HeaderBytes = mebibyte + 320;
/** As much as comes in one frame, and is kept of a body that nobody has taken yet. */
const windowBytes = 256 * 1024;
/** Streams at once of one connection, unless somebody says otherwise. */
const defaultMaxStreams = 100;

/** A connection that rests is closed after this. */
export const idleMs = 90_000;
/** So long may a client take to agree on TLS, and to say the head of a request. */
export const headMs = 32_000;
/** So long may a client that wants HTTP/2 take to speak it. */
const prefaceMs = 10_000;

/**
 * Node never stops counting what it had taken of an answer and not sent when the client gave the stream up (a watch that was
 * stopped). A connection with so much of that is ended in peace, long before streams would be refused on it.
 */
const lostBytes = 32 * mebibyte;

export const streamsOf = (wanted: number | undefined): number => wanted || defaultMaxStreams;

/** Options of the server for HTTP/2. */
export const http2Options = (maxStreams: number) => ({
  // Mebibytes; what a client does not take is counted, too. Beyond it streams are refused (ENHANCE_YOUR_CALM).
  maxSessionMemory: 256,
  maxHeaderListPairs: http2HeaderBytes / 32,
  settings: {
    maxConcurrentStreams: maxStreams,
    initialWindowSize: windowBytes,
    maxFrameSize: windowBytes,
    maxHeaderListSize: http2HeaderBytes,
  },
});

/** Watches over one connection of HTTP/2: it ends when nothing has been asked on it for long. */
export class SessionWatch {
  readonly #session: ServerHttp2Session;
  #open = 0;
  #lost = 0;

  constructor(session: ServerHttp2Session, maxStreams: number) {
    this.#session = session;
    session.setLocalWindowSize(windowBytes * maxStreams);
    session.setTimeout(prefaceMs);
    session.once("remoteSettings", () => session.setTimeout(idleMs));
    session.on("timeout", () => {
      if (this.#open > 0) return;
      // Who does not listen does not hear that it is over either.
      session.close();
      session.destroy();
    });
  }

  /** A stream begins. */
  begin(): void {
    this.#open++;
  }

  /** It is over. `unsent`: bytes of its answer that did not leave. */
  end(unsent: number): void {
    this.#open--;
    const before = this.#lost;
    this.#lost += unsent;
    if (before < lostBytes && this.#lost >= lostBytes && !this.#session.destroyed) this.#session.close();
    if (this.#open === 0 && !this.#session.destroyed) this.#session.setTimeout(idleMs);
  }
}
