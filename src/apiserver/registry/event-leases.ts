import type { Clock } from "../../machinery/index.ts";
import type { Histogram } from "../metrics/values.ts";
import type { Store } from "../../store/index.ts";

/** Limit per lease, since its expiry deletes all of them in one write (k8s.io/apiserver, storage/etcd3/lease_manager.go). */
const maxObjects = 1000;

/** Leases of objects that expire. Objects of the same minute share one, as in Kubernetes, up to a limit. */
export class EventLeases {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #counts: Histogram | undefined;
  readonly #current = new Map<number, { lease: Promise<number>; until: number; objects: number }>();

  /** `counts`: observes the number of objects per lease, when the next one is granted. */
  constructor(store: Store, clock: Clock, counts?: Histogram) {
    this.#counts = counts;
    this.#store = store;
    this.#clock = clock;
  }

  /** A lease that lasts `ttlSeconds` to a minute more. */
  lease(ttlSeconds: number): Promise<number> {
    const now = this.#clock.now();
    const known = this.#current.get(ttlSeconds);
    if (known && known.until > now && known.objects < maxObjects) {
      known.objects++;
      return known.lease;
    }
    if (known) this.#counts?.observe(known.objects);
    const lease = this.#store.grantLease(ttlSeconds + 60);
    this.#current.set(ttlSeconds, { lease, until: now + 60_000, objects: 1 });
    lease.catch(() => this.#current.delete(ttlSeconds));
    return lease;
  }
}
