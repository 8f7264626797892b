import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Ports below those that Linux assigns automatically (`ip_local_port_range`, from 32768) and those of Services: no other
 * program gets one by chance between the check and its use.
 */
const first = 12_000;
const count = 17_000;
/** Test files run concurrently: each process begins elsewhere. */
let next = (process.pid * 37) % count;

/** A port that is free on all addresses, and unlikely to be chosen by another test file. */
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
