/** One TLS port for HTTP/1.1 and HTTP/2 with optional client certificates. */
import type { IncomingMessage } from "node:http";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { Duplex } from "node:stream";
import type { SecureContext, TLSSocket } from "node:tls";
import type { HandlerRequest, ListenOptions } from "../contract.ts";
import { Answering } from "./answering.ts";
import { CertificateChoice, type ServingTls } from "./certificates.ts";
import type { FrontHandlers } from "./front-handlers.ts";
import { pathOf } from "./front-request.ts";
import { plainHeaders } from "./headers.ts";
import { headMs, http2Options, streamsOf } from "./limits.ts";
import { peerOf } from "./peer.ts";
import { serveHttp1 } from "./serve-http1.ts";
import { serveHttp2 } from "./serve-http2.ts";

export interface Front {
  port: number;
  /** Uses these certificates for new connections. */
  renew(tls: ServingTls): void;
  /** Resolves when no request is in flight except long-running ones, or after `graceMs`. */
  idle(graceMs: number): Promise<void>;
  /**
   * Stops accepting and tells clients to reconnect elsewhere; resolves when all connections are closed, by force after `graceMs`.
   * Long-running requests are not waited for, except for `watches`.
   */
  close(graceMs: number, watches?: Promise<void>): Promise<void>;
}

type TakeContext = (error: null, context: SecureContext) => void;

export async function listenFront(options: ListenOptions, handlers: FrontHandlers): Promise<Front> {
  const maxStreams = streamsOf(options.maxStreams);
  const [host = ""] = typeof options.host === "string" ? [options.host] : options.host;
  const choose = (tls: ServingTls) => new CertificateChoice(tls, options);
  let certificates = choose(options.tls);
  const server = createSecureServer({
    allowHTTP1: true,
    ...certificates.forAddress(host),
    ...(options.tls.named?.length
      ? { SNICallback: (name: string, take: TakeContext) => take(null, certificates.forName(name)) }
      : {}),
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: headMs,
    ...http2Options(maxStreams),
  });

  const answering = new Answering(handlers);
  serveHttp1(server, answering);
  const sessions = serveHttp2(server, answering, maxStreams);
  serveUpgrades(server, handlers);
  const sockets = followSockets(server, handlers);

  const port = await bind(server, host, options.port);
  return {
    port,
    renew(tls) {
      certificates = choose(tls);
      server.setSecureContext(certificates.forAddress(host));
    },
    idle: (graceMs) => answering.underWay.none(graceMs),
    async close(graceMs, watches) {
      answering.closing = true;
      const done = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.close();
      await Promise.all([answering.underWay.none(graceMs), watches]);
      // Flushes the last writes before connections are closed.
      await new Promise((resolve) => setImmediate(resolve));
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      await done;
    },
  };
}

/** Upgrade requests; HTTP/2 has none. */
function serveUpgrades(server: Http2SecureServer, handlers: FrontHandlers): void {
  Object.assign(server, {
    shouldUpgradeCallback: ({ method = "GET", url = "/", headers }: IncomingMessage) =>
      handlers.upgrades(method, pathOf(url), headers.upgrade ?? ""),
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
}

/** Returns the open connections with a completed TLS handshake. */
function followSockets(server: Http2SecureServer, handlers: FrontHandlers): ReadonlySet<TLSSocket> {
  const sockets = new Set<TLSSocket>();
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
  return sockets;
}

/** Resolves with the bound port. */
function bind(server: Http2SecureServer, host: string, port: number): Promise<number> {
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
