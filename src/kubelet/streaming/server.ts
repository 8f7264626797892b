import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import { type Logger, StatusError } from "../../machinery/index.ts";
import type { KubeletBackend } from "./contract.ts";
import { parseKubeletRequest } from "./requests.ts";
import { isUpgraded, serveUpgrade } from "./upgrade.ts";

export interface KubeletServerOptions {
  /** PEM. */
  tls: { key: string; cert: string };
  /** PEM; clients need a certificate signed by it, for a member of system:masters. */
  clientCa: string;
  /** Address to listen on; all when absent. */
  host?: string;
  /** 0 takes any free port. */
  port: number;
  backend: KubeletBackend;
  log: Logger;
}

export interface KubeletServer {
  readonly port: number;
  /** Applies renewed certificates without dropping connections. */
  renew(tls: { key: string; cert: string }): void;
  close(): Promise<void>;
}

/** Why the client is not authorized, or undefined. */
function refusal(socket: Duplex): { code: 401 | 403; text: string } | undefined {
  const tls = socket as TLSSocket;
  if (!tls.authorized) return { code: 401, text: "Unauthorized" };
  const organizations = tls.getPeerCertificate().subject?.O as string | string[] | undefined;
  return [organizations].flat().includes("system:masters") ? undefined : { code: 403, text: "Forbidden" };
}

function answerOf(error: unknown): { code: number; text: string } {
  if (error instanceof StatusError) return { code: error.code, text: error.message };
  return { code: 500, text: error instanceof Error ? error.message : String(error) };
}

/** The kubelet's API, for the API server only. Resolves when it accepts connections. */
export async function createKubeletServer(options: KubeletServerOptions): Promise<KubeletServer> {
  const { backend, log } = options;
  const server = createServer({
    ...options.tls,
    ca: options.clientCa,
    requestCert: true,
    rejectUnauthorized: false, // answered with 401 instead of a broken handshake
    minVersion: "TLSv1.2",
  });

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refused = refusal(request.socket);
    if (refused) return reply(response, refused.code, "text/plain", refused.text);
    const url = new URL(request.url ?? "/", "https://kubelet");
    const json = (value: unknown): void => reply(response, 200, "application/json", JSON.stringify(value));
    switch (url.pathname) {
      case "/healthz":
        backend.healthy?.();
        return reply(response, 200, "text/plain; charset=utf-8", "ok");
      case "/pods":
      case "/pods/":
      case "/runningpods/":
        return json(backend.pods());
      case "/stats/summary":
        return json(await backend.summary());
      case "/metrics":
      case "/metrics/resource":
      case "/metrics/cadvisor":
      case "/metrics/probes":
        return reply(
          response,
          200,
          "text/plain; version=0.0.4; charset=utf-8",
          (await backend.metrics?.(url.pathname)) ?? "",
        );
    }
    const asked = parseKubeletRequest(url);
    if (asked?.kind === "logs") return sendLogs(backend, asked, response);
    if (asked) throw new StatusError("BadRequest", "Upgrade request required");
    reply(response, 404, "text/plain", "404 page not found");
  };

  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    serve(request, response).catch((error: unknown) => {
      const { code, text } = answerOf(error);
      if (code === 500) log.warn("kubelet request failed", { url: request.url, error });
      if (response.headersSent) response.destroy();
      else reply(response, code, "text/plain; charset=utf-8", text);
    });
  });

  const streams = new Set<Duplex>();
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => {}); // the client is gone
    streams.add(socket);
    socket.once("close", () => streams.delete(socket));
    (socket as TLSSocket).setNoDelay(true);
    const fail = (code: number, text: string): void => {
      socket.end(
        `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? "Error"}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
          `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      );
    };
    const refused = refusal(request.socket);
    if (refused) return fail(refused.code, refused.text);
    const run = async (): Promise<void> => {
      const asked = parseKubeletRequest(new URL(request.url ?? "/", "https://kubelet"));
      if (!asked || asked.kind === "logs") throw new StatusError("NotFound", "404 page not found");
      await serveUpgrade(backend, asked, request, socket, head);
    };
    run().catch((error: unknown) => {
      const { code, text } = answerOf(error);
      log.debug("kubelet stream failed", { url: request.url, error });
      if (isUpgraded(socket)) socket.destroy();
      else fail(code, text);
    });
  });

  server.listen(options.port, options.host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    renew: (tls) => server.setSecureContext({ ...tls, ca: options.clientCa }),
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      for (const stream of streams) stream.destroy();
      await closed;
    },
  };
}

function reply(response: ServerResponse, code: number, type: string, body: string): void {
  response.writeHead(code, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

async function sendLogs(
  backend: KubeletBackend,
  asked: Extract<ReturnType<typeof parseKubeletRequest>, { kind: "logs" }>,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const { namespace, pod, container, options } = asked;
  let begun = false;
  const begin = (): void => {
    if (begun) return;
    begun = true;
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
    response.flushHeaders();
  };
  const logs = backend.logs(namespace, pod, container, options, gone.signal)[Symbol.asyncIterator]();
  try {
    // Following an empty log: the response's head is sent before the first line, but errors must come first.
    let next = logs.next();
    if (options.follow)
      await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 100).unref())]);
    else await next;
    begin();
    for (;;) {
      const { value, done } = await next;
      if (done || gone.signal.aborted) break;
      if (!response.write(value)) await once(response, "drain", { signal: gone.signal });
      next = logs.next();
    }
    response.end();
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    await logs.return?.(undefined);
  }
}
