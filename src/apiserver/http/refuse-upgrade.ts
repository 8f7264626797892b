import type { Duplex } from "node:stream";
import { StatusError } from "../../machinery/index.ts";

/** An error answer on a connection that wanted to become something else. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const status =
    error instanceof StatusError
      ? error
      : new StatusError(
          "InternalError",
          `Internal error occurred: ${error instanceof Error ? error.message : error}`,
        );
  const body = JSON.stringify(status.toStatus());
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason || "Error"}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
