import type { Clock, Timer } from "../machinery/index.ts";

/** Calls back when a lease ends. One timer for all of them. */
export class LeaseTimers {
  readonly #clock: Clock;
  readonly #expire: (id: number) => Promise<void>;
  /** Lease to its end, in epoch milliseconds. */
  readonly #ends = new Map<number, number>();
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(clock: Clock, expire: (id: number) => Promise<void>) {
    this.#clock = clock;
    this.#expire = expire;
  }

  has(id: number): boolean {
    return this.#ends.has(id);
  }

  add(id: number, endsAt: number): void {
    this.#ends.set(id, endsAt);
    if (endsAt < this.#timerAt) this.#arm(endsAt);
  }

  remove(id: number): void {
    this.#ends.delete(id);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.stop();
    this.#ends.clear();
    await this.#running;
  }

  #arm(at: number): void {
    this.#timer?.stop();
    this.#timerAt = at;
    if (this.#closed || at === Number.POSITIVE_INFINITY) return;
    // A timer holds at most 2^31 ms; a longer wait is cut into pieces.
    const wait = Math.min(Math.max(0, at - this.#clock.now()), 2 ** 31 - 1);
    this.#timer = this.#clock.timer(wait, () => {
      this.#running = this.#fire();
    });
  }

  async #fire(): Promise<void> {
    const now = this.#clock.now();
    for (const [id, end] of this.#ends) {
      if (end > now || this.#closed) continue;
      this.#ends.delete(id);
      // A failed expiry is tried again a little later.
      await this.#expire(id).catch(() => this.#ends.set(id, now + 10_000));
    }
    let next = Number.POSITIVE_INFINITY;
    for (const end of this.#ends.values()) next = Math.min(next, end);
    this.#arm(next);
  }
}
