import type { WebSocket } from "ws";
import { systemClock } from "../../machinery/index.ts";
import { bodyText, statusError } from "../transport/body.ts";
import {
  authorizationSource,
  connectionHeaders,
  type ServerConnection,
  tlsOptions,
} from "../transport/credentials.ts";

/**
 * Opens a WebSocket to a path of the API server; throws the StatusError of a rejected upgrade. It is paused, so that no message
 * is lost before handlers are set: resume it then.
 */
export async function openWebSocket(
  connection: ServerConnection,
  path: string,
  protocols: readonly string[],
  signal?: AbortSignal,
): Promise<WebSocket> {
  signal?.throwIfAborted();
  const base = new URL(connection.server);
  const url = `${base.protocol === "http:" ? "ws" : "wss"}://${base.host}${base.pathname.replace(/\/$/, "")}${path}`;
  const authorization = authorizationSource(connection, systemClock)();
  const { servername, ...tls } = tlsOptions(connection);
  // Loaded on demand.
  const ws = await import("ws");
  const socket = new ws.WebSocket(url, [...protocols], {
    headers: {
      "user-agent": "wherry",
      ...connectionHeaders(connection),
      ...(authorization ? { authorization } : {}),
    } as Record<string, string>,
    perMessageDeflate: false,
    skipUTF8Validation: true,
    ...tls,
    ...(servername ? { servername } : {}),
  } as ConstructorParameters<typeof ws.WebSocket>[2]);
  socket.binaryType = "nodebuffer";
  return await new Promise((resolve, reject) => {
    const onAbort = (): void => socket.terminate();
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once("close", () => signal?.removeEventListener("abort", onAbort));
    socket.once("open", () => {
      socket.pause();
      resolve(socket);
    });
    socket.once("error", (error) => reject(signal?.aborted ? signal.reason : error));
    socket.once("unexpected-response", (request, response) => {
      bodyText(response)
        .then((text) => reject(statusError(response.statusCode ?? 500, text)), reject)
        .finally(() => request.destroy());
    });
  });
}
