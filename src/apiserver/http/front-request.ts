import type { Peer } from "../auth-contract.ts";
import type { HandlerRequest } from "../contract.ts";
import type { RequestBody } from "./request-body.ts";

/** One request on its way. Its signal is made only for those that ask whether the client is still there: most do not. */
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
  /** The client has its answer, or has gone. */
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

/** The path and query of a request's first line, which may name the server too, as clients of a proxy do (RFC 9112, 3.2.2). */
export const pathOf = (url: string): string =>
  url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?]*/i, "") || "/";
