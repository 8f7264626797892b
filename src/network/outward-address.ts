import { createSocket } from "node:dgram";

/**
 * This machine's address on its default route, or none without one. Connecting a UDP socket makes the kernel choose route and
 * source; nothing is sent (the target is in a documentation range, RFC 5737).
 */
export function outwardAddress(): Promise<string[]> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.on("error", () => {
      socket.close();
      resolve([]);
    });
    socket.connect(9, "203.0.113.1", () => {
      const { address } = socket.address();
      socket.close();
      resolve([address]);
    });
  });
}
