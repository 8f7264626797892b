import type { Peer } from "../auth-contract.ts";
import type { HandlerRequest } from "../contract.ts";
import type { RequestBody } from "./request-body.ts";

/** A request and its state. Its abort signal is made lazily, since most requests do not need it. */
export class FrontRequest implements HandlerRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly peer: Peer;
  input: RequestBody | undefined;
  body?: Uint8Array;
  audit?: NonNullable<HandlerRequest["audit"]>;
  deadline?: NonNullable<HandlerRequest["deadline"]>;
  span?: NonNullable<HandlerRequest["span"]>;
  #gone: AbortController | undefined;
  /** The answer is complete, or the client disconnected. */
  over = false;

  constructor(
    method: string,
    path: string,
    headers: Record<string, string>,
    peer: Peer,
    input: RequestBody | undefined,
  ) {
    this.method = method;
    this.path = path;
    this.headers = headers;
    this.peer = peer;
    this.input = input;
  }

  get signal(): AbortSignal {
    if (!this.#gone) {
      this.#gone = new AbortController();
      if (this.over) this.end();
    }
    return this.#gone.signal;
  }

  end(): void {
    this.over = true;
    this.#gone?.abort(new Error("the client closed the connection"));
  }
}

/** Path and query of a request target, which may be absolute, as clients of a proxy send it (RFC 9112, 3.2.2). */
export const pathOf = (url: string): string =>
  url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?]*/i, "") || "/";
