/** What a request to somebody else brings: bytes, or a client's body that is handed on as it comes. */
import type { ClientRequest } from "node:http";
import type { Readable } from "node:stream";

/** `length`: in bytes; undefined where nobody knows. */
export type OutgoingBody = Uint8Array | { from: Readable; length: number | undefined };

/** How its length is told; without one, its end is. */
export function lengthHeaders(body: OutgoingBody | undefined): Record<string, string> {
  if (!body) return {};
  return body.length === undefined
    ? { "transfer-encoding": "chunked" }
    : { "content-length": String(body.length) };
}

/** Sends it and ends the request. What ends before its end does not end the request: whoever asked for it hangs up. */
export function sendBody(call: ClientRequest, body: OutgoingBody | undefined): void {
  if (!body || body instanceof Uint8Array) call.end(body);
  else body.from.pipe(call);
}
