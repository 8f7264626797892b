import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { StatusError } from "../../machinery/index.ts";
import { type Answer, errorAnswer } from "../response.ts";

/** Audit IDs of upgrade requests by connection. */
const auditIds = new WeakMap<Duplex, string>();

export const noteAuditId = (socket: Duplex, id: string): void => void auditIds.set(socket, id);

/** The answer to a refused or failed upgrade. */
export const refusalOf = (error: unknown): Answer =>
  errorAnswer(
    error instanceof StatusError
      ? error
      : new StatusError(
          "InternalError",
          `Internal error occurred: ${error instanceof Error ? error.message : error}`,
        ),
  );

/** Answers an upgrade request with an error and closes the connection. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  if (socket.destroyed) return;
  const { status, headers, body } = refusalOf(error);
  const id = auditIds.get(socket);
  const all: Record<string, string | number> = {
    ...(id === undefined ? {} : { "Audit-Id": id }),
    ...headers,
    Connection: "close",
    "Content-Length": (body as Uint8Array).length,
    Date: new Date().toUTCString(),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}\r\n${lines.join("")}\r\n`);
  socket.end(body);
}
