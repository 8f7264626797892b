import type { ClientRequest } from "node:http";
import type { Clock } from "../../machinery/index.ts";
import type { ApiTransport, TransportRequest, TransportResponse } from "../transport.ts";
import { authorizationSource, connectionHeaders, type ServerConnection, tlsOptions } from "./credentials.ts";

// Importing node:http evaluates all its exports, including fetch: 15 ms for each command.
const http = process.getBuiltinModule("node:http");
const https = process.getBuiltinModule("node:https");

/**
 * The HTTPS transport. Connections are kept alive and reused; a watch occupies one. A GET that was sent on a connection the
 * server had just closed is retried.
 */
export function httpsTransport(connection: ServerConnection, clock?: Clock): ApiTransport {
  const base = new URL(connection.server);
  const prefix = base.pathname.replace(/\/$/, "");
  const secure = base.protocol === "https:";
  const authorization = authorizationSource(connection, clock);
  const fixed = connectionHeaders(connection);
  const agent = secure
    ? new https.Agent({ keepAlive: true, keepAliveMsecs: 30_000, ...tlsOptions(connection) })
    : new http.Agent({ keepAlive: true, keepAliveMsecs: 30_000 });
  const open = new Set<ClientRequest>();
  let closed = false;

  function send(request: TransportRequest, again: boolean): Promise<TransportResponse> {
    return new Promise((resolve, reject) => {
      if (closed) throw new Error("the connection to the API server is closed");
      request.signal?.throwIfAborted();
      const headers: Record<string, string | string[] | number> = { ...fixed, ...request.headers };
      const bearer = authorization();
      if (bearer && headers["authorization"] === undefined) headers["authorization"] = bearer;
      if (request.body) headers["content-length"] = request.body.byteLength;
      const outgoing = (secure ? https : http).request({
        host: base.hostname.replace(/^\[|\]$/g, ""),
        port: base.port || (secure ? 443 : 80),
        method: request.method,
        path: prefix + request.path,
        headers,
        agent,
        ...(secure && connection.tlsServerName ? { servername: connection.tlsServerName } : {}),
      });
      open.add(outgoing);
      const onAbort = (): void => void outgoing.destroy(abortError(request.signal));
      request.signal?.addEventListener("abort", onAbort, { once: true });
      outgoing.on("close", () => {
        open.delete(outgoing);
        request.signal?.removeEventListener("abort", onAbort);
      });
      outgoing.on("error", (error: NodeJS.ErrnoException) => {
        const stale = outgoing.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
        if (stale && again && request.method === "GET" && !request.signal?.aborted) {
          send(request, false).then(resolve, reject);
        } else reject(error);
      });
      outgoing.on("response", (incoming) => {
        const received: Record<string, string> = {};
        for (const [name, value] of Object.entries(incoming.headers)) {
          if (value !== undefined) received[name] = Array.isArray(value) ? value.join(", ") : value;
        }
        // Errors reach the reader of the body; without this handler an unread body would end the process.
        incoming.on("error", () => {});
        resolve({ status: incoming.statusCode ?? 0, headers: received, body: incoming });
      });
      outgoing.end(request.body);
    });
  }

  return {
    request: (request) => send(request, true),
    close() {
      closed = true;
      for (const outgoing of open) outgoing.destroy(new Error("the connection to the API server was closed"));
      agent.destroy();
      return Promise.resolve();
    },
  };
}

const abortError = (signal: AbortSignal | undefined): Error =>
  signal?.reason instanceof Error ? signal.reason : new Error("aborted", { cause: signal?.reason });
