import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { StatusError } from "../../machinery/index.ts";
import { WebSocketServer, type WebSocket } from "ws";
import { runCommand } from "./command-streams.ts";
import type { KubeletBackend } from "./contract.ts";
import type { KubeletRequest } from "./requests.ts";
import { commandProtocols, expectedStreams, spdyCommandStreams } from "./spdy/command.ts";
import { SpdyConnection, type SpdyStream } from "./spdy/connection.ts";
import { servePortForward } from "./spdy/port-forward.ts";
import { webSocketCommandProtocols, webSocketCommandStreams } from "./websocket/command.ts";
import {
  serveChannelPortForward,
  serveTunnel,
  tunnelProtocol,
  webSocketPortForwardProtocols,
} from "./websocket/port-forward.ts";

type Upgrading = Exclude<KubeletRequest, { kind: "logs" }>;
type Command = Extract<KubeletRequest, { kind: "exec" | "attach" }>;

/** Timeout for the client to open the announced streams. */
const streamsMs = 30_000;

const headerList = (request: IncomingMessage, name: string): string[] =>
  String(request.headers[name] ?? "")
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "");

function choose(offered: readonly string[], known: readonly string[]): string | undefined {
  if (offered.length === 0) return undefined;
  const chosen = known.find((protocol) => offered.includes(protocol));
  if (chosen !== undefined) return chosen;
  throw new StatusError(
    "Forbidden",
    `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(" ")}], server accepts [${known.join(" ")}]`,
  );
}

/** Upgraded connections, which no longer speak HTTP. */
const upgraded = new WeakSet<Duplex>();
export const isUpgraded = (socket: Duplex): boolean => upgraded.has(socket);

const webSockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  maxPayload: 4 * 1024 * 1024,
  // Chosen before, see acceptWebSocket.
  handleProtocols: (_, request) => (request as IncomingMessage & { chosen?: string }).chosen ?? false,
});

function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  known: readonly string[],
): Promise<WebSocket> {
  const chosen = choose(headerList(request, "sec-websocket-protocol"), known);
  if (chosen !== undefined) Object.assign(request, { chosen });
  upgraded.add(socket);
  return new Promise((resolve) => webSockets.handleUpgrade(request, socket, head, resolve));
}

function acceptSpdy(request: IncomingMessage, socket: Duplex, known: readonly string[]): string {
  const chosen = choose(headerList(request, "x-stream-protocol-version"), known);
  upgraded.add(socket);
  const version = chosen === undefined ? "" : `X-Stream-Protocol-Version: ${chosen}\r\n`;
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${version}\r\n`,
  );
  return chosen ?? known.at(-1) ?? "";
}

/** The streams of a command, when the client has opened all of them. Rejects when it does not. */
function openedStreams(
  socket: Duplex,
  head: Buffer,
  names: ReadonlySet<string>,
): Promise<[SpdyConnection, Map<string, SpdyStream>]> {
  return new Promise((resolve, reject) => {
    const streams = new Map<string, SpdyStream>();
    const timer = setTimeout(() => socket.destroy(), streamsMs);
    const connection = new SpdyConnection(socket, head, (stream) => {
      const name = stream.headers["streamtype"] ?? "";
      if (!names.has(name) || streams.has(name)) return void stream.destroy();
      streams.set(name, stream);
      if (streams.size < names.size) return;
      clearTimeout(timer);
      // After this frame was processed, so that `connection` is set.
      queueMicrotask(() => resolve([connection, streams]));
    });
    void connection.closed.then(() => {
      clearTimeout(timer);
      reject(new Error("the client left before it had opened its streams"));
    });
  });
}

async function serveCommand(
  backend: KubeletBackend,
  asked: Command,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const { kind, namespace, pod, container, options } = asked;
  // Before the upgrade, so that a failure is still an HTTP response.
  const session =
    kind === "exec"
      ? await backend.exec(namespace, pod, container, options)
      : await backend.attach(namespace, pod, container, options);
  try {
    if (isWebSocket(request)) {
      const accepted = await acceptWebSocket(request, socket, head, webSocketCommandProtocols);
      await runCommand(session, webSocketCommandStreams(accepted, options), kind === "exec");
    } else {
      const protocol = acceptSpdy(request, socket, commandProtocols);
      const [connection, streams] = await openedStreams(socket, head, expectedStreams(options, protocol));
      await runCommand(session, spdyCommandStreams(connection, streams, protocol), kind === "exec");
    }
  } catch (error) {
    session.close();
    throw error;
  }
}

const isWebSocket = (request: IncomingMessage): boolean =>
  String(request.headers.upgrade ?? "").toLowerCase() === "websocket";

/**
 * Serves exec, attach and portForward on an upgrade request until the connection ends. Errors thrown before a response was sent
 * are for the caller to send.
 */
export async function serveUpgrade(
  backend: KubeletBackend,
  asked: Upgrading,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  if (asked.kind !== "portForward") return serveCommand(backend, asked, request, socket, head);
  const { namespace, pod, ports } = asked;
  const connect = (port: number): Promise<Duplex> => backend.portForward(namespace, pod, port);
  if (!isWebSocket(request)) {
    acceptSpdy(request, socket, ["portforward.k8s.io"]);
    return servePortForward(socket, head, pod, connect);
  }
  const offered = headerList(request, "sec-websocket-protocol");
  if (!offered.includes(tunnelProtocol) && ports.length === 0)
    throw new StatusError("BadRequest", 'query parameter "port" is required');
  const accepted = await acceptWebSocket(request, socket, head, webSocketPortForwardProtocols);
  if (accepted.protocol === tunnelProtocol) await serveTunnel(accepted, pod, connect);
  else await serveChannelPortForward(accepted, ports, pod, connect);
}
