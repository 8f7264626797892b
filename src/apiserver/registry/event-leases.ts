import type { Clock } from "../../machinery/index.ts";
import type { Store } from "../../store/index.ts";

/** Leases for objects that vanish by themselves. Objects of the same minute share one, as in Kubernetes. */
export class EventLeases {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #current = new Map<number, { lease: Promise<number>; until: number }>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** A lease that lasts `ttlSeconds` to a minute more. */
  lease(ttlSeconds: number): Promise<number> {
    const now = this.#clock.now();
    const known = this.#current.get(ttlSeconds);
    if (known && known.until > now) return known.lease;
    const lease = this.#store.grantLease(ttlSeconds + 60);
    this.#current.set(ttlSeconds, { lease, until: now + 60_000 });
    lease.catch(() => this.#current.delete(ttlSeconds));
    return lease;
  }
}
