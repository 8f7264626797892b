/** Receives HTTP/1.1 requests from Node's server, and those that its parser rejects but Go's server would serve. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2SecureServer } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Answering } from "./answering.ts";
import { ofResponse } from "./carrier.ts";
import { FrontRequest, pathOf } from "./front-request.ts";
import { plainHeaders } from "./headers.ts";
import { answersHead, follow, hearNoMore, isFree, type ParseError, refuse } from "./http1.ts";
import { headMs, http1HeaderBytes, idleMs } from "./limits.ts";
import { peerOf } from "./peer.ts";
import { RequestBody } from "./request-body.ts";
import { lastResponse, strangeRequest } from "./strange-methods.ts";

export function serveHttp1(server: Http2SecureServer, answering: Answering): void {
  setLimits(server);
  /** `invite`: sends `100 Continue` for the body. */
  const onRequest = (message: IncomingMessage, response: ServerResponse, invite?: () => void): void => {
    if (answersHead(message, response)) return;
    const { method = "GET", url = "/", socket } = message;
    const headers = plainHeaders(message.headers, message.rawHeaders);
    const length = headers["content-length"];
    const hasBody = length === undefined ? headers["transfer-encoding"] !== undefined : length !== "0";
    const input = hasBody ? new RequestBody(message, length, invite) : undefined;
    const peer = peerOf(socket, socket as TLSSocket);
    follow({ message, response, input });
    answering.begin(new FrontRequest(method, pathOf(url), headers, peer, input), ofResponse(response));
  };
  server.on("request", (message: IncomingMessage, response: ServerResponse) => onRequest(message, response));
  server.on("checkContinue", (message: IncomingMessage, response: ServerResponse) =>
    onRequest(message, response, () => response.writeContinue()),
  );
  server.on("connect", (message: IncomingMessage, socket: Duplex) => {
    // It would have to wait behind an unanswered request, and Node has released the connection.
    if (isFree(socket as Socket)) onRequest(message, lastResponse(message, socket));
    else socket.destroy();
  });
  server.on("clientError", (error: ParseError, socket: Socket) => {
    const strange = isFree(socket) ? strangeRequest(error, socket) : undefined;
    if (!strange) return refuse(error, socket);
    hearNoMore(socket);
    onRequest(strange, lastResponse(strange, socket));
  });
}

/** Node's types lack these fields for a server with both versions of HTTP. */
function setLimits(server: Http2SecureServer): void {
  server.setTimeout(0);
  Object.assign(server, {
    keepAliveTimeout: idleMs,
    headersTimeout: headMs,
    // Requests have time limits of their own.
    requestTimeout: 0,
    connectionsCheckingInterval: 5000,
    maxHeaderSize: http1HeaderBytes,
    maxHeadersCount: 0,
    requireHostHeader: false,
  });
}
