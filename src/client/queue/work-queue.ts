import type { Clock, Timer } from "../../machinery/index.ts";

export interface WorkQueueOptions {
  clock: Clock;
  /** Backoff after a key's first failure; doubles with each further one. Default 5 ms. */
  baseMs?: number;
  /** Maximum backoff. Default one minute. */
  maxMs?: number;
}

/**
 * A queue of unique keys. A key added while it is being processed is queued again afterwards, so no two workers process the
 * same key at once.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #ready = new Set<string>();
  readonly #processing = new Set<string>();
  /** Added again while being processed. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, { at: number; timer: Timer }>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#baseMs = options.baseMs ?? 5;
    this.#maxMs = options.maxMs ?? 60_000;
  }

  /** Number of keys that are ready. */
  get size(): number {
    return this.#ready.size;
  }

  /** Nothing is ready, delayed or being processed. */
  get idle(): boolean {
    return this.#ready.size === 0 && this.#processing.size === 0 && this.#delayed.size === 0;
  }

  add(key: string): void {
    if (this.#closed) return;
    if (this.#processing.has(key)) {
      this.#again.add(key);
      return;
    }
    if (this.#ready.has(key)) return;
    const taker = this.#takers.shift();
    if (taker) {
      this.#processing.add(key);
      taker(key);
    } else this.#ready.add(key);
  }

  /** The earliest time counts. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const at = this.#clock.monotonic() + ms;
    const known = this.#delayed.get(key);
    if (known && known.at <= at) return;
    known?.timer.stop();
    const timer = this.#clock.timer(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { at, timer });
  }

  /** Adds the key after a backoff that grows with each failure since the last `forget`. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, Math.min(this.#baseMs * 2 ** failures, this.#maxMs));
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, to be released with `done`; undefined after `close`. */
  take(): Promise<string | undefined> {
    for (const key of this.#ready) {
      this.#ready.delete(key);
      this.#processing.add(key);
      return Promise.resolve(key);
    }
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  done(key: string): void {
    this.#processing.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  /** Drops all keys; pending `take` calls return undefined. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) timer.stop();
    this.#delayed.clear();
    this.#ready.clear();
    this.#again.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }
}
