import type { Clock } from "../../../machinery/index.ts";

/** Holds so many at most, and gets so many a second; full at first. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #most: number;
  readonly #clock: Clock;
  #left: number;
  #at: number;

  constructor(perSecond: number, most: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#most = most;
    this.#clock = clock;
    this.#left = most;
    this.#at = clock.monotonic();
  }

  /** False when there is none left. */
  take(): boolean {
    const now = this.#clock.monotonic();
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
