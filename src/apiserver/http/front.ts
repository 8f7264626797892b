/** The socket side: one TLS port for HTTP/1.1 and HTTP/2, client certificates asked for but not demanded. */
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Logger } from "../../machinery/index.ts";
import type { Peer } from "../auth-contract.ts";
import { maxBodyBytes, tooLarge } from "../codec/decode.ts";
import type { HandlerRequest, ListenOptions } from "../contract.ts";
import { type Answer, errorAnswer } from "../response.ts";
import { respond } from "./respond.ts";

const keepAliveMs = 120_000;

type Request = IncomingMessage | Http2ServerRequest;

export interface FrontHandlers {
  /** Never rejects. */
  handle(request: HandlerRequest): Promise<Answer>;
  upgrade(request: HandlerRequest, message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  log: Logger;
  /** A connection failed before TLS was agreed on. */
  failedHandshake?(): void;
}

export interface Front {
  port: number;
  /** Stops accepting; resolves when all connections are closed, by force after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Bodies of pieces are collected up to the limit; anything longer is refused before it is read whole. */
async function readBody(request: Request): Promise<Uint8Array | undefined> {
  const announced = Number(request.headers["content-length"] ?? "0");
  if (announced > maxBodyBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return chunks.length === 0 ? undefined : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

const peers = new WeakMap<TLSSocket, Peer>();

function peerOf(socket: TLSSocket): Peer {
  let peer = peers.get(socket);
  if (!peer) {
    const address = socket.remoteAddress ?? "";
    peer = { address };
    if (socket.authorized) {
      const shown = socket.getPeerCertificate();
      const subject = shown.subject as { CN?: string | string[]; O?: string | string[] } | undefined;
      const commonName = [subject?.CN ?? []].flat()[0];
      if (commonName) {
        const fingerprint = shown.fingerprint256.replaceAll(":", "").toLowerCase();
        peer = {
          address,
          certificate: { commonName, organizations: [subject?.O ?? []].flat(), fingerprint, der: shown.raw },
        };
      }
    }
    peers.set(socket, peer);
  }
  return peer;
}

const isIdentity = (name: string): boolean => name.startsWith("impersonate-") || name.startsWith("x-remote-");

/** Who somebody is may have commas in it: lines of such headers stay apart, by a character that no header has. */
function lineByLine(raw: readonly string[], name: string): string {
  const lines: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() === name) lines.push(raw[i + 1] as string);
  }
  return lines.join("\n");
}

function plainHeaders(request: Request): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || name.startsWith(":")) continue;
    headers[name] = isIdentity(name)
      ? lineByLine(request.rawHeaders, name)
      : Array.isArray(value)
        ? value.join(", ")
        : value;
  }
  return headers;
}

export async function listenFront(options: ListenOptions, handlers: FrontHandlers): Promise<Front> {
  const sessions = new Set<{ close(): void; destroy(): void }>();
  const sockets = new Set<Duplex>();
  let open = 0;
  let idle: (() => void) | undefined;
  const server = createSecureServer({
    allowHTTP1: true,
    key: options.tls.key,
    cert: options.tls.cert,
    ca: options.tls.clientCa,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    maxSessionMemory: 100,
    settings: { maxConcurrentStreams: 1000, initialWindowSize: 1024 * 1024 },
  });

  const serve = async (request: Request, response: ServerResponse | Http2ServerResponse): Promise<void> => {
    const gone = new AbortController();
    let answer: Answer | undefined;
    open++;
    response.once("close", () => {
      gone.abort(new Error("the client closed the connection"));
      answer?.over?.();
      open--;
      if (open === 0) idle?.();
    });
    const socket = (("stream" in request ? request.stream.session?.socket : request.socket) ??
      request.socket) as TLSSocket;
    try {
      const hasBody = request.method !== "GET" && request.method !== "HEAD";
      const body = hasBody ? await readBody(request) : undefined;
      answer = await handlers.handle({
        method: request.method ?? "GET",
        path: request.url ?? "/",
        headers: plainHeaders(request),
        ...(body ? { body } : {}),
        signal: gone.signal,
        peer: peerOf(socket),
      });
    } catch (error) {
      if (gone.signal.aborted) return;
      answer = errorAnswer(tooLarge());
      if (!(error instanceof Error) || !error.message.startsWith("Request entity")) throw error;
      if (request.httpVersionMajor === 1) answer.headers.connection = "close";
    }
    if (gone.signal.aborted) {
      answer.over?.();
      return;
    }
    const encoding = request.headers["accept-encoding"];
    await respond(
      response,
      answer,
      typeof encoding === "string" ? encoding : undefined,
      request.method === "HEAD",
    );
  };

  server.on("request", (request: Request, response: ServerResponse | Http2ServerResponse) => {
    serve(request, response).catch((error: unknown) => {
      handlers.log.debug("connection lost while answering", { error });
      response.destroy?.();
    });
  });
  server.on("upgrade", (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const request: HandlerRequest = {
      method: message.method ?? "GET",
      path: message.url ?? "/",
      headers: plainHeaders(message),
      peer: peerOf(socket as TLSSocket),
    };
    handlers.upgrade(request, message, socket, head).catch((error: unknown) => {
      handlers.log.debug("upgrade failed", { error });
      socket.destroy();
    });
  });
  server.on("session", (session) => {
    sessions.add(session);
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
  server.setTimeout(0);
  // HTTP/1.1 clients keep connections for a while; closing them under their hands costs them a request.
  Object.assign(server, { keepAliveTimeout: keepAliveMs });

  const hosts = typeof options.host === "string" ? [options.host] : options.host;
  const port = await bind(server, hosts[0] as string, options.port);
  return {
    port,
    async close(graceMs) {
      const done = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.close();
      if (open > 0) {
        await Promise.race([
          new Promise<void>((resolve) => (idle = resolve)),
          new Promise<void>((resolve) => setTimeout(resolve, graceMs).unref()),
        ]);
      }
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      await done;
    },
  };
}

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
