import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Ports below those that Linux gives to whoever asks for any (`ip_local_port_range`, from 32768), and below those of Services:
 * nobody gets one of them by chance between the question whether it is free and its use.
 */
const first = 12_000;
const count = 17_000;
/** Test files run beside each other: each process begins elsewhere. */
let next = (process.pid * 37) % count;

/** A port that nobody listens on at any address, and that hardly any other test file is told of. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < count; tries++) {
    const port = first + next;
    next = (next + 1) % count;
    const server = createServer();
    try {
      server.listen({ port, exclusive: true });
      await once(server, "listening");
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    } finally {
      if (server.listening) {
        server.close();
        await once(server, "close");
      }
    }
  }
  throw new Error(`no port from ${first} to ${first + count - 1} is free`);
}
