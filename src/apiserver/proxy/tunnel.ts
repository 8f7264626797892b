import type { IncomingMessage } from "node:http";
import { type RequestOptions, request as httpsRequest } from "node:https";
import { request as httpRequest } from "node:http";
import type { Duplex } from "node:stream";
import type { StatusError } from "../../machinery/index.ts";
import { refuseUpgrade } from "../http/refuse-upgrade.ts";
import { isIdentityHeader } from "../network/forwarded-headers.ts";

/** A client that requests an upgrade. */
export interface UpgradingClient {
  request: IncomingMessage;
  socket: Duplex;
  /** Bytes after the request's head. */
  head: Buffer;
}

/** The client's headers for the upgrade, without its credentials. */
function upgradeHeaders(request: IncomingMessage): Record<string, string | string[]> {
  // `Connection` must name no other headers: the next proxy would remove them.
  const kept: Record<string, string | string[]> = { connection: "Upgrade" };
  for (const [name, value] of Object.entries(request.headers)) {
    if (
      value === undefined ||
      ["connection", "host", "cookie", "content-length", "transfer-encoding"].includes(name) ||
      isIdentityHeader(name)
    )
      continue;
    kept[name] = value;
  }
  const protocols = request.headers["sec-websocket-protocol"];
  if (protocols !== undefined)
    kept["sec-websocket-protocol"] = protocols
      .split(",")
      .filter((protocol) => !protocol.trim().startsWith("base64url.bearer.authorization.k8s.io."))
      .join(",");
  return kept;
}

/** How long a client may go on sending after the backend has ended. */
const lingerMs = 10_000;

/**
 * Copies both ways. When the backend ends, its last data must still reach a client that may be sending: closing with unread bytes
 * would make the kernel discard it (TCP reset).
 */
function join(client: Duplex, backend: Duplex): void {
  client.pipe(backend);
  backend.pipe(client);
  backend.on("error", () => client.destroy());
  client.once("close", () => backend.destroy());
  backend.once("close", () => {
    if (!backend.readableEnded) {
      client.destroy();
      return;
    }
    client.unpipe(backend);
    client.resume();
    setTimeout(() => client.destroy(), lingerMs).unref();
  });
}

/**
 * Forwards the upgrade and joins both connections. Only an answer of 101 makes a tunnel: after any other one the connection to
 * the backend is closed, so that nobody can use it with the API server's privileges (CVE-2018-1002105). `explain` converts such
 * an answer to an error.
 */
export function tunnel(
  client: UpgradingClient,
  target: {
    secure: boolean;
    options: RequestOptions;
    path: string;
    /** Besides the client's own. */
    headers?: Readonly<Record<string, string | string[]>>;
  },
  explain: (answer: IncomingMessage) => Promise<StatusError>,
  failed: (cause: Error) => StatusError,
): void {
  const { request, socket, head } = client;
  // The client disconnected while the target was looked up.
  if (socket.destroyed) return;
  socket.on("error", () => call.destroy());
  const call = (target.secure ? httpsRequest : httpRequest)({
    ...target.options,
    path: target.path,
    method: request.method ?? "GET",
    headers: { ...upgradeHeaders(request), ...target.headers },
  });
  socket.once("close", () => call.destroy());
  call.once("response", (answer: IncomingMessage) => {
    explain(answer)
      .then((error) => refuseUpgrade(socket, error))
      .catch((error: unknown) => refuseUpgrade(socket, error))
      .finally(() => call.destroy());
  });
  call.once("upgrade", (answer: IncomingMessage, behind: Duplex, first: Buffer) => {
    let lines = "";
    for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2)
      lines += `${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}\r\n`;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
    if (first.length > 0) socket.write(first);
    if (head.length > 0) behind.write(head);
    for (const side of [socket, behind])
      (side as Duplex & { setNoDelay?(on: boolean): void }).setNoDelay?.(true);
    join(socket, behind);
  });
  call.once("error", (cause) => refuseUpgrade(socket, failed(cause)));
  call.end();
}
