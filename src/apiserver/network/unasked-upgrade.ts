import type { ClientRequest } from "node:http";

/**
 * Reports an unrequested answer of 101 (Switching Protocols). Node closes the connection silently then, and the caller would wait
 * forever.
 */
export function onUnaskedUpgrade(call: ClientRequest, refused: (error: Error) => void): void {
  call.once("upgrade", ({ headers }, socket) => {
    socket.destroy();
    // In the words of Go's reverse proxy.
    const wanted = JSON.stringify(headers.upgrade ?? "");
    refused(new Error(`backend tried to switch protocol ${wanted} when "" was requested`));
  });
}
