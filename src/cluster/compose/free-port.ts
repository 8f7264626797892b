import { once } from "node:events";
import { createServer } from "node:net";

const tries = 200;

/**
 * The first port from `from` on that is free at this address. For ports that users never see: components read it from the Node.
 */
export async function freePort(host: string, from: number): Promise<number> {
  for (let port = from; port < from + tries; port++) {
    const server = createServer();
    try {
      server.listen({ host, port, exclusive: true });
      await once(server, "listening");
      server.close();
      await once(server, "close");
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
  throw new Error(`no port from ${from} to ${from + tries - 1} is free at ${host}`);
}
