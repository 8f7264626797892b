import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { StatusError } from "../../machinery/index.ts";
import { maxBodyBytes, tooLarge } from "../codec/body-limits.ts";
import type { RequestInput } from "../request-input.ts";

/** The body of a request from a socket. It is not read before it is used. */
export class RequestBody implements RequestInput {
  readonly #from: Readable;
  /** `content-length`; undefined without it. */
  readonly #announced: number | undefined;
  #invite: (() => void) | undefined;
  #read = 0;
  #handedOn = false;
  #problem: string | undefined;
  #fail: ((text: string) => void) | undefined;

  /** `invite`: sends `100 Continue` to a client that expects it (RFC 9110, 10.1.1). */
  constructor(from: Readable, announced: string | undefined, invite: (() => void) | undefined) {
    this.#from = from;
    this.#announced = announced === undefined ? undefined : Number(announced);
    this.#invite = invite;
  }

  /**
   * The whole body; undefined when there is none. Throws StatusError 413 as soon as the limit is exceeded; rejects with another
   * one when the client disconnects early.
   */
  whole(): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      const input = this.#from;
      if ((this.#announced ?? 0) > maxBodyBytes) {
        reject(tooLarge());
        return;
      }
      this.#begin();
      const chunks: Buffer[] = [];
      const settle = (then: () => void): void => {
        input.off("data", onData).off("end", onEnd).off("close", onLost);
        then();
      };
      const onData = (chunk: Buffer): void => {
        this.#read += chunk.length;
        chunks.push(chunk);
        if (this.#read > maxBodyBytes) settle(() => reject(tooLarge()));
      };
      const onEnd = (): void =>
        settle(() => resolve(chunks.length <= 1 ? chunks[0] : Buffer.concat(chunks, this.#read)));
      this.#fail = (text) => settle(() => reject(new StatusError("", text, { code: 500 })));
      const onLost = (): void => this.lost("unexpected EOF");
      if (this.#problem !== undefined) this.#fail(this.#problem);
      else if (input.destroyed) onLost();
      else input.on("data", onData).on("end", onEnd).on("close", onLost);
    });
  }

  stream(): { from: Readable; length: number | undefined } {
    this.#begin();
    this.#handedOn = true;
    if (this.#problem !== undefined) this.#from.destroy();
    return { from: this.#from, length: this.#announced };
  }

  /** The body will not be complete. */
  lost(text: string): void {
    this.#problem = text;
    this.#fail?.(text);
    // A body that is being streamed cannot be answered with an error: closes the connection.
    if (this.#handedOn) this.#from.destroy();
  }

  #begin(): void {
    this.#invite?.();
    this.#invite = undefined;
  }

  /** Upper bound of the bytes not yet read. */
  get left(): number {
    if (this.#from.readableEnded) return 0;
    if ((this.#from as Partial<IncomingMessage>).complete) return this.#from.readableLength;
    // A client that expects `100 Continue` may send its body all the same, or another request.
    return this.#announced === undefined || this.#invite ? Infinity : this.#announced - this.#read;
  }
}
