import type { Clock, Timer } from "../../machinery/index.ts";

/**
 * Repeats work at an interval after its last run. With `everyMs` Infinity it stops after the first success. A failed run is
 * retried after `retryMs`.
 */
export class Repeated {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #work: () => Promise<void>;
  readonly #failed: (error: unknown) => void;
  readonly #retryMs: number;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(
    clock: Clock,
    everyMs: number,
    work: () => Promise<void>,
    failed: (error: unknown) => void,
    retryMs = everyMs,
  ) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#work = work;
    this.#failed = failed;
    this.#retryMs = retryMs;
  }

  /** Resolves after the first run, failed or not. */
  start(): Promise<void> {
    return this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.stop();
  }

  async #run(): Promise<void> {
    if (this.#stopped) return;
    let next = this.#everyMs;
    try {
      await this.#work();
    } catch (error) {
      next = this.#retryMs;
      // Failures during shutdown are ignored.
      if (!this.#stopped) this.#failed(error);
    }
    this.#arm(next);
  }

  #arm(ms: number): void {
    if (!this.#stopped && ms < Infinity) this.#timer = this.#clock.timer(ms, () => void this.#run());
  }
}
