/** Limits of a connection, as in kube-apiserver (pkg/server/secure_serving.go) and Go's servers. */
import type { ServerHttp2Session } from "node:http2";

const mebibyte = 1024 * 1024;

/** Of the request line and all headers. */
export const http1HeaderBytes = mebibyte + 4096;
/** Counted as in HTTP/2: 32 bytes per header besides its name and value (RFC 9113, 10.5.1). */
const http2HeaderBytes = mebibyte + 320;
/** Largest frame, and flow-control window of a body. */
const windowBytes = 256 * 1024;
/** Default limit of concurrent streams of a connection. */
const defaultMaxStreams = 100;

/** Idle connections are closed after this. */
export const idleMs = 90_000;
/** Time limit of the TLS handshake, and of a request's head. */
export const headMs = 32_000;
/** Time limit of the HTTP/2 preface. */
const prefaceMs = 10_000;

/**
 * Node never discounts data that it accepted for a stream and did not send before the client cancelled it (a stopped watch). A
 * connection that reaches this amount is closed gracefully, well before streams would be refused on it.
 */
const lostBytes = 32 * mebibyte;

export const streamsOf = (wanted: number | undefined): number => wanted || defaultMaxStreams;

/** Options of the server for HTTP/2. */
export const http2Options = (maxStreams: number) => ({
  // Mebibytes, including unsent data. Beyond it streams are refused (ENHANCE_YOUR_CALM).
  maxSessionMemory: 256,
  maxHeaderListPairs: http2HeaderBytes / 32,
  settings: {
    maxConcurrentStreams: maxStreams,
    initialWindowSize: windowBytes,
    maxFrameSize: windowBytes,
    maxHeaderListSize: http2HeaderBytes,
  },
});

/** Closes idle HTTP/2 connections. */
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
      // A client that does not read will not answer the GOAWAY either.
      session.close();
      session.destroy();
    });
  }

  /** Call it when a stream begins. */
  begin(): void {
    this.#open++;
  }

  /** Call it when a stream ends. `unsent`: bytes of its answer that were not sent. */
  end(unsent: number): void {
    this.#open--;
    const before = this.#lost;
    this.#lost += unsent;
    if (before < lostBytes && this.#lost >= lostBytes && !this.#session.destroyed) this.#session.close();
    if (this.#open === 0 && !this.#session.destroyed) this.#session.setTimeout(idleMs);
  }
}
