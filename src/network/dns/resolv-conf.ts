import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import type { Clock } from "../../machinery/index.ts";

/** The addresses of `nameserver` lines, with a zone (`fe80::1%eth0`) kept. resolv.conf(5). */
export function parseNameservers(text: string): string[] {
  const out: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, address] = line.trim().split(/\s+/);
    if (keyword === "nameserver" && address && isIP(address.split("%")[0] ?? "") !== 0) out.push(address);
  }
  return out;
}

/**
 * The host's resolvers, read again when the file changes. A resolver on a loopback address (systemd-resolved, dnsmasq)
 * is as good as any: the server runs in the host's network namespace. Our own addresses are left out, or a host that
 * resolves through the cluster would be asked in a circle.
 */
export class HostResolvers {
  readonly #path: string;
  readonly #own: ReadonlySet<string>;
  readonly #clock: Clock;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #stamp = "";
  #addresses: string[] = [];

  constructor(path: string, own: ReadonlySet<string>, clock: Clock) {
    this.#path = path;
    this.#own = own;
    this.#clock = clock;
  }

  /** Looks at the file every 5 seconds at most. */
  addresses(): readonly string[] {
    const now = this.#clock.monotonic();
    if (now - this.#checkedAt < 5_000) return this.#addresses;
    this.#checkedAt = now;
    try {
      const { mtimeMs, size, ino } = statSync(this.#path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (stamp === this.#stamp) return this.#addresses;
      this.#addresses = parseNameservers(readFileSync(this.#path, "utf8")).filter((a) => !this.#own.has(a));
      this.#stamp = stamp;
    } catch {
      // No file, no resolvers: queries for other names fail quickly.
      this.#addresses = [];
      this.#stamp = "";
    }
    return this.#addresses;
  }
}
