import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { StatusError } from "../../machinery/index.ts";
import { type Answer, errorAnswer } from "../response.ts";

/** By which ids requests are recorded whose connections are to become something else. */
const auditIds = new WeakMap<Duplex, string>();

export const noteAuditId = (socket: Duplex, id: string): void => void auditIds.set(socket, id);

/** What is answered to who wanted to become something else and may not, or cannot. */
export const refusalOf = (error: unknown): Answer =>
  errorAnswer(
    error instanceof StatusError
      ? error
      : new StatusError(
          "InternalError",
          `Internal error occurred: ${error instanceof Error ? error.message : error}`,
        ),
  );

/** An error answer on a connection that wanted to become something else, which ends with it. */
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
