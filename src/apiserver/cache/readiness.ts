/** Whether the caches follow the store, and the 429 that is answered while they do not. */
import { type Clock, StatusError } from "../../machinery/index.ts";

/** Retry-After grows while the failure lasts. */
const growthPerSecond = 0.06;
const longestSeconds = 30;

export class Readiness {
  readonly #clock: Clock;
  #lost: { error: Error; since: number } | undefined;
  #following = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why the store cannot be followed; undefined while it is. */
  get error(): Error | undefined {
    return this.#lost?.error;
  }

  /** Aborts when the store can no longer be followed: watches that began before end. */
  get following(): AbortSignal {
    return this.#following.signal;
  }

  /** Throws 429 while the caches do not follow the store (KEP-4568). */
  check(): void {
    if (!this.#lost) return;
    const { error, since } = this.#lost;
    const seconds = Math.exp((growthPerSecond * (this.#clock.monotonic() - since)) / 1000);
    throw new StatusError("TooManyRequests", `storage is (re)initializing: ${error.message}`, {
      details: { retryAfterSeconds: Math.floor(Math.min(longestSeconds, seconds)) },
      cause: error,
    });
  }

  lose(error: Error): void {
    this.#lost = { error, since: this.#lost?.since ?? this.#clock.monotonic() };
    this.#following.abort(error);
  }

  regain(): void {
    this.#lost = undefined;
    this.#following = new AbortController();
  }
}
