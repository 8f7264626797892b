/** Writes an answer as an HTTP/1.1 response or an HTTP/2 stream. */
import type { ServerResponse } from "node:http";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";

export interface Carrier {
  /** The body; closes when the client disconnects. */
  readonly out: Writable;
  /** The whole answer. */
  whole(status: number, headers: Record<string, string>, body: Uint8Array | undefined): void;
  /** Sends the head of a streamed answer. */
  begin(status: number, headers: Record<string, string>): void;
  /** The answer also ends the request, whose body has not been read whole. `muchLeft`: the rest may be too long to discard. */
  refuseRest(headers: Record<string, string>, muchLeft: boolean): void;
  /** Announces the last answer of the connection: a header in HTTP/1.1, a GOAWAY frame in HTTP/2. */
  hangUp(headers: Record<string, string>): void;
}

/** How long a refused client may go on sending before the connection is closed. */
const lingerMs = 500;

/** Closes a connection on which the client may still be sending: closing at once could make the kernel discard the answer. */
export function linger(socket: Socket): void {
  socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}

/** Suppresses the `keep-alive` headers that Node adds and Go's server does not. */
function keepQuiet(response: ServerResponse): void {
  if (response.shouldKeepAlive && response.req.httpVersionMinor === 1) response.removeHeader("connection");
}

export const ofResponse = (response: ServerResponse): Carrier => ({
  out: response,
  whole(status, headers, body) {
    keepQuiet(response);
    response.writeHead(status, headers);
    response.end(body);
  },
  begin(status, headers) {
    keepQuiet(response);
    response.writeHead(status, headers);
    response.flushHeaders();
  },
  refuseRest(headers, muchLeft) {
    if (!muchLeft) return;
    headers.connection = "close";
    const { socket } = response;
    if (socket) socket.destroySoon = () => linger(socket);
  },
  hangUp(headers) {
    headers.connection = "close";
  },
});

/** Not allowed in HTTP/2, but possible in proxied answers. */
const connectionHeaders = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

function stated(status: number, headers: Record<string, string>): Record<string, string | number> {
  const stated = { ":status": status, ...headers };
  for (const name of connectionHeaders) if (name in headers) delete (stated as Record<string, unknown>)[name];
  return stated;
}

export const ofStream = (stream: ServerHttp2Stream): Carrier => ({
  out: stream,
  whole(status, headers, body) {
    const empty = body === undefined || status === 204 || status === 304;
    stream.respond(stated(status, headers), { endStream: empty });
    if (!empty) stream.end(body);
  },
  begin(status, headers) {
    stream.respond(stated(status, headers));
  },
  refuseRest() {
    stream.once("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
  },
  hangUp() {
    stream.session?.close();
  },
});
