import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import type { Clock } from "../../machinery/index.ts";

/** The addresses of `nameserver` lines, including a zone (`fe80::1%eth0`). resolv.conf(5). */
export function parseNameservers(text: string): string[] {
  const out: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, address] = line.trim().split(/\s+/);
    if (keyword === "nameserver" && address && isIP(address.split("%")[0] ?? "") !== 0) out.push(address);
  }
  return out;
}

/**
 * The host's resolvers, re-read when the file changes. Resolvers on loopback addresses (systemd-resolved, dnsmasq) work, since
 * the server runs in the host's network namespace. The server's own addresses are left out, to prevent loops on hosts that
 * resolve through the cluster.
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

  /** Checks the file every 5 seconds at most. */
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
      // Without resolvers, queries for other names fail at once.
      this.#addresses = [];
      this.#stamp = "";
    }
    return this.#addresses;
  }
}
