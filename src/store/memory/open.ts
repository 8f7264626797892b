import type { Clock } from "../../machinery/index.ts";
import {
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  LeaseNotFoundError,
  type RangeRequest,
  type RangeResult,
  type Store,
  StoreFailedError,
  type StoreEvent,
  type StoreWatch,
  type TxnRequest,
  type TxnResult,
  type WatchRequest,
  type WatchSink,
} from "../contract.ts";
import { type Commit, type History, Hub } from "../hub.ts";
import { LeaseTimers } from "../leases.ts";

/** A store that ends with the process. For tests and throw-away clusters. */
export function openMemoryStore(options: { clock: Clock }): Promise<Store> {
  return Promise.resolve(new MemoryStore(options.clock));
}

/** A key's state from a revision on; `kv` is undefined from its deletion on. */
interface State {
  revision: number;
  kv: KeyValue | undefined;
}

class MemoryStore implements Store, History {
  revision = 1;
  compactedRevision = 0;
  readonly #states = new Map<string, State[]>();
  #log: Commit[] = [];
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #timers: LeaseTimers;
  #nextLease = 1;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#hub = new Hub(this);
    this.#timers = new LeaseTimers(clock, (id) => this.#expire(id));
  }

  range(request: RangeRequest): Promise<RangeResult> {
    return attempt(() => {
      this.#checkOpen();
      const revision = request.revision ?? this.revision;
      if (revision > this.revision) throw new FutureRevisionError();
      if (revision < this.compactedRevision) throw new CompactedError(this.compactedRevision);
      const { from, to } = request;
      const keys =
        to === undefined ? [from] : [...this.#states.keys()].filter((k) => k >= from && k < to).sort();
      const items: KeyValue[] = [];
      let count = 0;
      for (const key of keys) {
        const kv = this.#states.get(key)?.findLast((state) => state.revision <= revision)?.kv;
        if (!kv) continue;
        count++;
        if (!request.limit || items.length < request.limit) items.push(kv);
      }
      return { revision: this.revision, items, count };
    });
  }

  txn(request: TxnRequest): Promise<TxnResult> {
    return attempt(() => {
      this.#checkOpen();
      const holds = request.when.every(
        ({ key, modRevision }) => (this.#current(key)?.modRevision ?? 0) === modRevision,
      );
      if (!holds) {
        const current = request.when.map(({ key }) => this.#current(key));
        return { succeeded: false, revision: this.revision, current };
      }
      const revision = this.revision + 1;
      const events: StoreEvent[] = [];
      for (const write of request.then) {
        const previous = this.#current(write.key);
        if (write.type === "put") {
          if (write.lease && !this.#timers.has(write.lease)) throw new LeaseNotFoundError();
          const kv: KeyValue = {
            key: write.key,
            value: write.value,
            createRevision: previous?.createRevision ?? revision,
            modRevision: revision,
            version: (previous?.version ?? 0) + 1,
            lease: write.lease ?? 0,
          };
          events.push(previous ? { type: "put", kv, previous } : { type: "put", kv });
        } else if (previous) {
          events.push({ type: "delete", key: write.key, revision, previous });
        }
      }
      if (events.length === 0) return { succeeded: true, revision: this.revision };
      for (const event of events) {
        const key = event.type === "put" ? event.kv.key : event.key;
        const states = this.#states.get(key) ?? [];
        if (states.length === 0) this.#states.set(key, states);
        states.push({ revision, kv: event.type === "put" ? event.kv : undefined });
      }
      this.revision = revision;
      const commit = { revision, events };
      this.#log.push(commit);
      this.#hub.publish(commit);
      return { succeeded: true, revision };
    });
  }

  watch(request: WatchRequest, sink: WatchSink): StoreWatch {
    return this.#hub.watch(request, sink);
  }

  compact(revision: number): Promise<void> {
    return attempt(() => {
      if (revision <= this.compactedRevision) throw new CompactedError(this.compactedRevision);
      if (revision > this.revision) throw new FutureRevisionError();
      for (const [key, states] of this.#states) {
        const keep = states.findLastIndex((state) => state.revision <= revision);
        if (keep > 0) states.splice(0, keep);
        if (states.length === 1 && !states[0]?.kv && (states[0] as State).revision <= revision) {
          this.#states.delete(key);
        }
      }
      this.#log = this.#log.filter((commit) => commit.revision > revision);
      this.compactedRevision = revision;
    });
  }

  grantLease(ttlSeconds: number): Promise<number> {
    const id = this.#nextLease++;
    this.#timers.add(id, this.#clock.now() + ttlSeconds * 1000);
    return Promise.resolve(id);
  }

  async revokeLease(id: number): Promise<void> {
    if (!this.#timers.has(id)) throw new LeaseNotFoundError();
    this.#timers.remove(id);
    await this.#expire(id);
  }

  size(): Promise<number> {
    let bytes = 0;
    for (const states of this.#states.values()) {
      for (const { kv } of states) bytes += kv ? kv.value.length + kv.key.length : 0;
    }
    return Promise.resolve(bytes);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#hub.close();
    await this.#timers.close();
  }

  #current(key: string): KeyValue | undefined {
    return this.#states.get(key)?.at(-1)?.kv;
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreFailedError("the store is closed");
  }

  since(after: number, until: number): readonly Commit[] {
    return this.#log.filter((commit) => commit.revision > after && commit.revision <= until);
  }

  async #expire(id: number): Promise<void> {
    const keys: string[] = [];
    for (const key of this.#states.keys()) if (this.#current(key)?.lease === id) keys.push(key);
    await this.txn({ when: [], then: keys.map((key) => ({ type: "delete", key })) });
  }
}

/** A throw in `run` becomes a rejection. */
async function attempt<T>(run: () => T): Promise<T> {
  return run();
}
