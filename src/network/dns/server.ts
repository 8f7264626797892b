import { createSocket, type Socket } from "node:dgram";
import { createServer, isIPv6, type Server, type Socket as TcpSocket } from "node:net";
import type { Clock, Logger } from "../../machinery/index.ts";
import type { Resolver } from "./resolver.ts";
import { FrameReader, frame } from "./tcp-frames.ts";

const maxTcpClients = 200;
const tcpIdleMs = 10_000;

/** Listens on one port, UDP and TCP, and passes packets to the resolver. */
export class DnsServer {
  readonly #resolver: Resolver;
  readonly #log: Logger;
  #udp: Socket | undefined;
  #tcp: Server | undefined;
  readonly #clients = new Set<TcpSocket>();

  constructor(resolver: Resolver, log: Logger) {
    this.#resolver = resolver;
    this.#log = log;
  }

  /** Returns the port. With 0 the kernel chooses one that is free for both protocols. */
  async listen(address: string, port: number): Promise<number> {
    for (let attempt = 0; ; attempt++) {
      const chosen = await this.#listenTcp(address, port);
      try {
        await this.#listenUdp(address, chosen);
        return chosen;
      } catch (error) {
        await this.close();
        if (port !== 0 || attempt >= 5) throw error;
      }
    }
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#tcp?.listening) this.#tcp.close(() => resolve());
    else resolve();
    this.#udp?.close();
    this.#udp = undefined;
    await promise;
    this.#tcp = undefined;
  }

  #listenUdp(address: string, port: number): Promise<void> {
    const socket = createSocket({ type: isIPv6(address) ? "udp6" : "udp4" });
    this.#udp = socket;
    socket.on("message", (packet, from) => {
      this.#answer(packet, "udp", (reply) => {
        if (this.#udp === socket) socket.send(reply, from.port, from.address);
      });
    });
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ address, port }, () => {
        socket.off("error", reject);
        // Errors of sending to clients are ignored.
        socket.on("error", (error) => this.#log.debug("dns socket error", { error: error.message }));
        resolve();
      });
    });
  }

  #listenTcp(address: string, port: number): Promise<number> {
    const server = createServer((socket) => this.#serve(socket));
    server.maxConnections = maxTcpClients;
    this.#tcp = server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: address, port }, () => {
        server.off("error", reject);
        server.on("error", (error) => this.#log.warn("dns listener error", { error: error.message }));
        const bound = server.address();
        resolve(typeof bound === "object" && bound ? bound.port : port);
      });
    });
  }

  #serve(socket: TcpSocket): void {
    const reader = new FrameReader();
    this.#clients.add(socket);
    socket.setTimeout(tcpIdleMs, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#clients.delete(socket));
    socket.on("data", (chunk) => {
      for (const packet of reader.push(chunk)) {
        this.#answer(packet, "tcp", (reply) => {
          if (!socket.destroyed) socket.write(frame(reply));
        });
      }
    });
  }

  #answer(packet: Buffer, protocol: "udp" | "tcp", send: (reply: Buffer) => void): void {
    this.#resolver.answer(packet, protocol).then(
      (reply) => reply && send(reply),
      (error: unknown) => this.#log.error("dns query failed", { error }),
    );
  }
}

/** Waits for the address, which the bridge may get later. Returns the port: 53, or any free one if that is in use. */
export async function listenWhenThere(
  server: DnsServer,
  address: string,
  clock: Clock,
  log: Logger,
  signal: AbortSignal,
): Promise<number> {
  let told = false;
  for (let wanted = 53; ; ) {
    try {
      return await server.listen(address, wanted);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EADDRINUSE" && wanted !== 0) {
        wanted = 0;
        continue;
      }
      if (code !== "EADDRNOTAVAIL" || signal.aborted) throw error;
      if (!told) log.info("dns waits for its address", { address });
      told = true;
      await clock.sleep(50, signal);
    }
  }
}
