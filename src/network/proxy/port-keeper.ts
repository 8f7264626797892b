import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/** A port of this machine that a Service uses. */
export interface HostPortWish {
  protocol: "tcp" | "udp" | "sctp";
  /** 0.0.0.0: every address. */
  address: string;
  port: number;
}

export function wishKey(wish: HostPortWish): string {
  return `${wish.protocol}/${wish.address}/${wish.port}`;
}

/**
 * Reserves the ports of Services by binding them, without serving them: rules rewrite the traffic before it arrives. So a port
 * of another program (or another cluster) is detected instead of being taken over, and programs started later get an error that
 * the port is in use.
 */
export class PortKeeper {
  readonly #kept = new Map<string, () => void>();

  /** Binds the requested ports and closes the rest. Returns the keys of ports that others have. */
  async reconcile(wishes: readonly HostPortWish[]): Promise<Set<string>> {
    const wanted = new Map(wishes.map((wish) => [wishKey(wish), wish]));
    for (const [key, release] of this.#kept) {
      if (wanted.has(key)) continue;
      this.#kept.delete(key);
      release();
    }
    const taken = new Set<string>();
    for (const [key, wish] of wanted) {
      // Node does not support SCTP sockets; such ports are not reserved.
      if (this.#kept.has(key) || wish.protocol === "sctp") continue;
      const release = wish.protocol === "tcp" ? await keepTcp(wish) : await keepUdp(wish);
      if (release) this.#kept.set(key, release);
      else taken.add(key);
    }
    return taken;
  }

  close(): void {
    for (const release of this.#kept.values()) release();
    this.#kept.clear();
  }
}

function keepTcp({ address, port }: HostPortWish): Promise<(() => void) | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.on("error", () => resolve(undefined));
    server.listen({ host: address, port, exclusive: true }, () => resolve(() => server.close()));
  });
}

function keepUdp({ address, port }: HostPortWish): Promise<(() => void) | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: "udp4", recvBufferSize: 2048 });
    socket.on("error", () => resolve(undefined));
    socket.bind({ address, port, exclusive: true }, () => resolve(() => socket.close()));
  });
}
