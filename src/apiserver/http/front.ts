/** The socket side: one TLS port for HTTP/1.1 and HTTP/2, client certificates asked for but not demanded. */
import { createSecureServer, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Logger } from "../../machinery/index.ts";
import type { Peer } from "../auth-contract.ts";
import type { HandlerRequest, ListenOptions } from "../contract.ts";
import type { Answer } from "../response.ts";
import { type Carrier, ofResponse, ofStream } from "./carrier.ts";
import { plainHeaders } from "./headers.ts";
import { answersHead, follow, hearNoMore, isFree, type ParseError, refuse } from "./http1.ts";
import { headMs, http1HeaderBytes, http2Options, idleMs, SessionWatch, streamsOf } from "./limits.ts";
import { peerOf } from "./peer.ts";
import { RequestBody } from "./request-body.ts";
import { respond } from "./respond.ts";
import { lastResponse, strangeRequest } from "./strange-methods.ts";
import { UnderWay } from "./under-way.ts";

/** A connection is kept for further requests when no more is left of a body that nobody wanted, as with Go's server. */
const maxLeftBytes = 256 * 1024;

export interface FrontHandlers {
  /** Never rejects. */
  handle(request: HandlerRequest): Promise<Answer>;
  /** Whether a request that asks for its connection to become something else leads to what can. Others are answered as ever. */
  upgrades(method: string, path: string, protocol: string): boolean;
  upgrade(request: HandlerRequest, message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  log: Logger;
  /** The client had gone before its answer was there. */
  aborted?(request: HandlerRequest): void;
  /** Whether a connection of HTTP/2 shall end with this request, so that its client looks for another server. */
  goAway?(): boolean;
  /** A connection failed before TLS was agreed on. */
  failedHandshake?(): void;
}

export interface Front {
  port: number;
  /** Settles when no request is under way that has an end of its own, or after `graceMs`. */
  idle(graceMs: number): Promise<void>;
  /**
   * Stops accepting and has clients go elsewhere; resolves when all connections are closed, by force after `graceMs`.
   * Requests that last are not waited for.
   */
  close(graceMs: number): Promise<void>;
}

/** One request on its way. Nobody asks most of them whether their client is still there. */
class FrontRequest implements HandlerRequest {
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

export async function listenFront(options: ListenOptions, handlers: FrontHandlers): Promise<Front> {
  const sessions = new Map<Http2Session, SessionWatch>();
  const sockets = new Set<Duplex>();
  const underWay = new UnderWay();
  let closing = false;
  const maxStreams = streamsOf(options.maxStreams);
  const server = createSecureServer({
    allowHTTP1: true,
    key: options.tls.key,
    cert: options.tls.cert,
    ca: options.tls.clientCa,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: options.minTls ?? "TLSv1.2",
    handshakeTimeout: headMs,
    ...http2Options(maxStreams),
  });

  const serve = async (request: FrontRequest, carrier: Carrier, session?: SessionWatch): Promise<void> => {
    let answer: Answer | undefined;
    const over = underWay.begin();
    carrier.out.once("close", () => {
      request.end();
      answer?.over?.();
      answer?.deadline?.end();
      over();
      session?.end(carrier.out.writableLength);
    });
    const { headers, input } = request;
    answer = await handlers.handle(request);
    if (request.over) {
      handlers.aborted?.(request);
      answer.over?.();
      return;
    }
    answer.deadline?.cut(() => carrier.out.destroy(new Error("the client takes its answer too slowly")));
    if (input && input.left > 0) carrier.refuseRest(answer.headers, input.left > maxLeftBytes);
    if (answer.lasts) over();
    if (closing || answer.hangUp) carrier.hangUp(answer.headers);
    else if (session && (answer.stranger || handlers.goAway?.())) carrier.hangUp(answer.headers);
    await respond(carrier, answer, headers["accept-encoding"], request.method === "HEAD");
  };

  const begin = (request: FrontRequest, carrier: Carrier, session?: SessionWatch): void => {
    session?.begin();
    serve(request, carrier, session).catch((error: unknown) => {
      handlers.log.debug("connection lost while answering", { error });
      // Without an error a stream of HTTP/2 would end as if all had been said.
      carrier.out.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  };

  const onRequest = (message: IncomingMessage, response: ServerResponse, invite?: () => void): void => {
    if (answersHead(message, response)) return;
    const { method = "GET", url = "/", socket } = message;
    const headers = plainHeaders(message.headers, message.rawHeaders);
    const length = headers["content-length"];
    const hasBody = length === undefined ? headers["transfer-encoding"] !== undefined : length !== "0";
    const input = hasBody ? new RequestBody(message, length, invite) : undefined;
    const peer = peerOf(socket, socket as TLSSocket);
    follow({ message, response, input });
    begin(new FrontRequest(method, pathOf(url), headers, peer, input), ofResponse(response));
  };
  server.on("request", (message: IncomingMessage, response: ServerResponse) => onRequest(message, response));
  server.on("checkContinue", (message: IncomingMessage, response: ServerResponse) =>
    onRequest(message, response, () => response.writeContinue()),
  );
  // Node's compatibility layer for HTTP/2 came with the listener above; requests are faster without it.
  server.removeAllListeners("stream");
  type Incoming = IncomingHttpHeaders & { ":method"?: string; ":path"?: string };
  server.on("stream", (stream: ServerHttp2Stream, given: Incoming, _flags: number, raw: string[]) => {
    stream.on("error", () => undefined);
    const { session } = stream;
    if (!session) return;
    const invite =
      given.expect === "100-continue" ? () => stream.additionalHeaders({ ":status": 100 }) : undefined;
    const headers = plainHeaders(given, raw);
    // Nobody takes its end off a request without a body: Node destroys streams that have been read to their end before what
    // was written is on its way, and makes an error with a stack of each, which nobody sees.
    const input = stream.endAfterHeaders
      ? undefined
      : new RequestBody(stream, headers["content-length"], invite);
    const peer = peerOf(session, session.socket as TLSSocket);
    const { ":method": method = "GET", ":path": path = "/" } = given;
    begin(new FrontRequest(method, path, headers, peer, input), ofStream(stream), sessions.get(session));
  });
  server.on("upgrade", (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const request: HandlerRequest = {
      method: message.method ?? "GET",
      path: pathOf(message.url ?? "/"),
      headers: plainHeaders(message.headers, message.rawHeaders),
      peer: peerOf(socket, socket as TLSSocket),
    };
    handlers.upgrade(request, message, socket, head).catch((error: unknown) => {
      handlers.log.debug("upgrade failed", { error });
      socket.destroy();
    });
  });
  server.on("session", (session) => {
    sessions.set(session, new SessionWatch(session, maxStreams));
    session.once("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
  });
  server.on("secureConnection", (socket: TLSSocket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });
  server.on("tlsClientError", (_error, socket) => {
    handlers.failedHandshake?.();
    socket.destroy();
  });
  Object.assign(server, {
    shouldUpgradeCallback: ({ method = "GET", url = "/", headers }: IncomingMessage) =>
      handlers.upgrades(method, pathOf(url), headers.upgrade ?? ""),
  });
  server.setTimeout(0);
  Object.assign(server, {
    keepAliveTimeout: idleMs,
    headersTimeout: headMs,
    // Each request has its own time, or as much as it likes.
    requestTimeout: 0,
    connectionsCheckingInterval: 5000,
    maxHeaderSize: http1HeaderBytes,
    maxHeadersCount: 0,
    requireHostHeader: false,
  });
  server.on("connect", (message: IncomingMessage, socket: Duplex) => {
    // Behind a request that has not been answered yet it would have to wait, and Node has let go of the connection.
    if (isFree(socket as Socket)) onRequest(message, lastResponse(message, socket));
    else socket.destroy();
  });
  server.on("clientError", (error: ParseError, socket: Socket) => {
    const strange = isFree(socket) ? strangeRequest(error, socket) : undefined;
    if (!strange) return refuse(error, socket);
    hearNoMore(socket);
    onRequest(strange, lastResponse(strange, socket));
  });

  const hosts = typeof options.host === "string" ? [options.host] : options.host;
  const port = await bind(server, hosts[0] as string, options.port);
  return {
    port,
    idle: (graceMs) => underWay.none(graceMs),
    async close(graceMs) {
      closing = true;
      const done = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions.keys()) session.close();
      await underWay.none(graceMs);
      // What was written last is on its way before connections are cut.
      await new Promise((resolve) => setImmediate(resolve));
      for (const session of sessions.keys()) session.destroy();
      for (const socket of sockets) socket.destroy();
      await done;
    },
  };
}

/** What is asked of a proxy names the server, too. */
const pathOf = (url: string): string =>
  url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?]*/i, "") || "/";

function bind(server: ReturnType<typeof createSecureServer>, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "EADDRINUSE"
          ? new Error(`port ${port} on ${host} is taken by another program; choose another port or stop it`, {
              cause: error,
            })
          : error,
      );
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}
