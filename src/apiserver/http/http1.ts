/** Checks of HTTP/1.1 in which Node's parser differs from Go's server, with the messages of net/http (server.go). */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { linger } from "./carrier.ts";
import type { RequestBody } from "./request-body.ts";

interface Refusal {
  code: number;
  /** Follows the status text, in the first line and in the body. */
  text: string;
}

const refusal = (code: number, text = ""): Refusal => {
  const words = STATUS_CODES[code] ?? "";
  return { code, text: text === "" ? words : `${words}: ${text}` };
};
const badVersion = refusal(505, "unsupported protocol version");
const badEncoding: Refusal = { code: 501, text: STATUS_CODES[501] ?? "" };
const badEncodingText = "Unsupported transfer encoding";

/** Host names, and any other valid value (RFC 3986, 3.2.2; httpguts.ValidHostHeader). */
const hostName = /^[\w!$%&'()*+,\-.:;=[\]~]*$/;

/** Only in the path; an invalid escape in a query is ignored. */
const brokenEscape = /^[^?]*%(?![\da-fA-F]{2})/;

function headProblem(message: IncomingMessage): Refusal | undefined {
  const { headers, rawHeaders, httpVersionMajor: major, httpVersionMinor: minor } = message;
  const encoding = headers["transfer-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "chunked") return badEncoding;
  if (major !== 1) return badVersion;
  if (message.url && brokenEscape.test(message.url)) return refusal(400);
  const { host } = headers;
  if (host === undefined) return minor === 0 ? undefined : refusal(400, "missing required Host header");
  if (!hostName.test(host)) return refusal(400, "malformed Host header");
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === "host") hosts++;
  }
  return hosts > 1 ? refusal(400) : undefined;
}

/**
 * Answers requests that need no handler: invalid ones, which close the connection, and `OPTIONS *` (RFC 9110, 9.3.7). True when
 * it has answered.
 */
export function answersHead(message: IncomingMessage, response: ServerResponse): boolean {
  const problem = headProblem(message);
  if (!problem) {
    if (message.url !== "*" || message.method !== "OPTIONS") return false;
    response.writeHead(200, { "content-length": "0" }).end();
    return true;
  }
  response.sendDate = false;
  response.writeHead(problem.code, problem.text, {
    "content-type": "text/plain; charset=utf-8",
    connection: "close",
  });
  response.end(bodyOf(problem));
  return true;
}

const bodyOf = (problem: Refusal): string =>
  problem === badEncoding ? badEncodingText : `${problem.code} ${problem.text}`;

interface Exchange {
  message: IncomingMessage;
  response: ServerResponse;
  input: RequestBody | undefined;
}

/** The latest request of each connection. */
const exchanges = new WeakMap<object, Exchange>();

export function follow(exchange: Exchange): void {
  exchanges.set(exchange.message.socket, exchange);
}

/** True while no request of this connection is being answered. */
export const isFree = (socket: Socket): boolean => exchanges.get(socket)?.response.writableFinished ?? true;

/** Connections that have received their last request. */
const full = new WeakSet<Socket>();

/** Ignores further input. */
export const hearNoMore = (socket: Socket): unknown => full.add(socket);

/** A request line with a valid version other than ours. */
const otherVersion = /^\S+ \S+ HTTP\/\d\.\d\r\n/;

function parseProblem({ code, rawPacket }: ParseError): Refusal {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return refusal(431);
    case "HPE_INVALID_TRANSFER_ENCODING":
      return badEncoding;
    case "HPE_INVALID_VERSION":
      return rawPacket && otherVersion.test(rawPacket.toString("latin1")) ? badVersion : refusal(400);
    default:
      return refusal(400);
  }
}

export interface ParseError extends NodeJS.ErrnoException {
  rawPacket?: Buffer;
  /** Within the packet. */
  bytesParsed?: number;
}

/** Answers an invalid request, after the requests before it, and closes the connection. */
export function refuse(error: ParseError, socket: Socket): void {
  if (full.has(socket)) return;
  if (!socket.writable || !error.code?.startsWith("HPE_")) {
    // Input after a refusal is not a request either.
    if (!socket.writableEnded) socket.destroy(error);
    return;
  }
  const last = exchanges.get(socket);
  if (!last || last.response.writableFinished) say(parseProblem(error), socket);
  else if (!last.message.complete)
    last.input?.lost(
      error.code === "HPE_INVALID_CHUNK_SIZE" ? "invalid byte in chunk length" : "unexpected EOF",
    );
  // Input after a request with `Connection: close` is ignored.
  else if (error.code !== "HPE_CLOSED_CONNECTION")
    last.response.once("finish", () => say(parseProblem(error), socket));
}

function say(problem: Refusal, socket: Socket): void {
  if (!socket.writable) return;
  socket.write(
    `HTTP/1.1 ${problem.code} ${problem.text}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${bodyOf(problem)}`,
  );
  linger(socket);
}
