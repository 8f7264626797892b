import type { Clock, Timer } from "../machinery/index.ts";

interface Pending {
  at: number;
  order: number;
  run: () => void;
}

/** A clock that only tests advance. */
export class FakeClock implements Clock {
  #now: number;
  readonly #start: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(start: number | string = "2026-01-01T00:00:00Z") {
    this.#now = typeof start === "string" ? Date.parse(start) : start;
    this.#start = this.#now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  /** The number of pending timers. */
  get waiting(): number {
    return this.#pending.size;
  }

  timer(ms: number, run: () => void): Timer {
    const entry: Pending = { at: this.#now + Math.max(0, ms), order: this.#order++, run };
    this.#pending.add(entry);
    return { stop: () => void this.#pending.delete(entry) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        timer.stop();
        reject(signal?.reason);
      };
      const timer = this.timer(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Advances the time and fires due timers in order, including new ones. Does not wait for promises: see `run`. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#next(end); next; next = this.#next(end)) this.#fire(next);
    this.#now = end;
  }

  /** Like `advance`, but lets promises and I/O settle after every timer, so that loops with delays continue. */
  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#fire(next);
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #fire(entry: Pending): void {
    this.#pending.delete(entry);
    this.#now = Math.max(this.#now, entry.at);
    entry.run();
  }

  #next(end: number): Pending | undefined {
    let first: Pending | undefined;
    for (const entry of this.#pending) {
      if (entry.at > end) continue;
      if (!first || entry.at < first.at || (entry.at === first.at && entry.order < first.order))
        first = entry;
    }
    return first;
  }
}

/**
 * Several turns of the event loop: enough for chains of promises without timers or sockets. File operations are awaited, since
 * turns do not limit them.
 */
export async function settle(turns = 10): Promise<void> {
  // Operations that may never end (nobody opens the other end of a pipe) are not awaited.
  for (
    let left = turns, most = 100_000;
    left > 0 && most > 0;
    left = filesAreBusy() ? turns : left - 1, most--
  )
    await new Promise<void>((resolve) => setImmediate(resolve));
}

const filesAreBusy = (): boolean =>
  process.getActiveResourcesInfo().some((each) => each.startsWith("FSReq") || each === "CloseReq");
