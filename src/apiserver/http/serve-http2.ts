/** Receives HTTP/2 requests as streams. */
import type { IncomingHttpHeaders } from "node:http";
import type { Http2SecureServer, Http2Session, ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Answering } from "./answering.ts";
import { ofStream } from "./carrier.ts";
import { FrontRequest } from "./front-request.ts";
import { plainHeaders } from "./headers.ts";
import { SessionWatch } from "./limits.ts";
import { peerOf } from "./peer.ts";
import { RequestBody } from "./request-body.ts";

type Incoming = IncomingHttpHeaders & { ":method"?: string; ":path"?: string };

/**
 * Returns the open connections. Call it after the listeners for HTTP/1.1 are set: it removes Node's compatibility layer, which
 * was added with them and slows requests down.
 */
export function serveHttp2(
  server: Http2SecureServer,
  answering: Answering,
  maxStreams: number,
): Iterable<Http2Session> {
  const sessions = new Map<Http2Session, SessionWatch>();
  server.removeAllListeners("stream");
  server.on("stream", (stream: ServerHttp2Stream, given: Incoming, _flags: number, raw: string[]) => {
    stream.on("error", () => undefined);
    const { session } = stream;
    if (!session) return;
    const invite =
      given.expect === "100-continue" ? () => stream.additionalHeaders({ ":status": 100 }) : undefined;
    const headers = plainHeaders(given, raw);
    // Without a body, no reader: Node destroys a stream that was read to its end before its answer, and creates an unused error
    // with a stack for each.
    const input = stream.endAfterHeaders
      ? undefined
      : new RequestBody(stream, headers["content-length"], invite);
    const peer = peerOf(session, session.socket as TLSSocket);
    const { ":method": method = "GET", ":path": path = "/" } = given;
    const request = new FrontRequest(method, path, headers, peer, input);
    answering.begin(request, ofStream(stream), sessions.get(session));
  });
  server.on("session", (session) => {
    sessions.set(session, new SessionWatch(session, maxStreams));
    session.once("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
  });
  return { [Symbol.iterator]: () => sessions.keys() };
}
