/** The body of an outgoing request: bytes, or a streamed one from a client. */
import type { ClientRequest } from "node:http";
import type { Readable } from "node:stream";

/** `length`: in bytes; undefined when unknown. */
export type OutgoingBody = Uint8Array | { from: Readable; length: number | undefined };

/** Content-Length, or chunked encoding if unknown. */
export function lengthHeaders(body: OutgoingBody | undefined): Record<string, string> {
  if (!body) return {};
  return body.length === undefined
    ? { "transfer-encoding": "chunked" }
    : { "content-length": String(body.length) };
}

/** Sends the body and ends the request. If the source ends early, the request is not ended: the caller aborts it. */
export function sendBody(call: ClientRequest, body: OutgoingBody | undefined): void {
  if (!body || body instanceof Uint8Array) call.end(body);
  else body.from.pipe(call);
}
