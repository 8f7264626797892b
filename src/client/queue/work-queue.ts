import type { Clock, Timer } from "../../machinery/index.ts";

export interface WorkQueueOptions {
  clock: Clock;
  /** Wait after the first failure of a key; doubles with each further one. Default 5 ms. */
  baseMs?: number;
  /** Longest wait. Default one minute. */
  maxMs?: number;
}

/**
 * Keys that want work. A key is in it once however often it is added; one that is added while it is worked on comes
 * again when that is done. So no two workers ever hold the same key.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #ready = new Set<string>();
  readonly #processing = new Set<string>();
  /** Added again while worked on. */
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

  /** Keys ready to be taken. */
  get size(): number {
    return this.#ready.size;
  }

  /** Nothing ready, delayed or worked on. */
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

  /** The earlier of two such wishes counts. */
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

  /** Adds after a wait that grows with each failure since the last `forget`. */
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

  /** The next key, to be given back with `done`; undefined after `close`. */
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

  /** Drops what waits; takers get undefined. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) timer.stop();
    this.#delayed.clear();
    this.#ready.clear();
    this.#again.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }
}
