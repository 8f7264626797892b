import type { ClientRequest } from "node:http";

/**
 * Tells of an answer of 101 (Switching Protocols) that nobody asked for. Node gives the connection up without a word then, and
 * whoever waits for the answer would wait for ever.
 */
export function onUnaskedUpgrade(call: ClientRequest, refused: (error: Error) => void): void {
  call.once("upgrade", ({ headers }, socket) => {
    socket.destroy();
    // As Go's reverse proxy words it.
    const wanted = JSON.stringify(headers.upgrade ?? "");
    refused(new Error(`backend tried to switch protocol ${wanted} when "" was requested`));
  });
}
