/**
 * HTTP/1.1 requests with methods that Node's parser does not know, and CONNECT, which it handles apart. Go's server passes them
 * to handlers like any other. Here they close the connection, and their body is not read.
 */
import { type IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { linger } from "./carrier.ts";
import type { ParseError } from "./http1.ts";

/** A method is any token (RFC 9110, 9.1); the head must be complete. */
const head = /^([\w!#$%&'*+.^`|~-]+) (\S+) HTTP\/1\.([01])\r\n((?:[\w!#$%&'*+.^`|~-]+:[^\r\n]*\r\n)*)\r\n/;

/** The request that was rejected for its method alone; undefined when there is another reason. */
export function strangeRequest(
  { code, rawPacket, bytesParsed = Infinity }: ParseError,
  socket: Socket,
): IncomingMessage | undefined {
  const found =
    code === "HPE_INVALID_METHOD" && rawPacket ? head.exec(rawPacket.toString("latin1")) : undefined;
  // Earlier bytes of the packet belong to another request, so the head does not begin there.
  if (!found || bytesParsed > (found[1] as string).length) return undefined;
  const [, method = "", url = "", minor, lines = ""] = found;
  const message = new IncomingMessage(socket);
  message.rawHeaders = lines
    .split("\r\n")
    .slice(0, -1)
    .flatMap((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
  message.headers = joined(message.rawHeaders);
  return Object.assign(message, {
    method,
    url,
    httpVersion: `1.${minor}`,
    httpVersionMajor: 1,
    httpVersionMinor: Number(minor),
    complete: true,
  });
}

function joined(raw: readonly string[]): IncomingHttpHeaders {
  const headers = Object.create(null) as Record<string, string>;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    const before = headers[name];
    const value = raw[i + 1] as string;
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

/** An answer that closes the connection. */
export function lastResponse(message: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(message);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.once("finish", () => linger(socket as Socket));
  return response;
}
