import type { Clock, Timer } from "../../machinery/index.ts";

/**
 * Work that is done again and again, so long after it was done the last time. With `everyMs` Infinity it is over once it has
 * succeeded. When it fails it is tried again after `retryMs`.
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

  /** Settles when it has been done once, or has failed. */
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
      // What fails while the server ends is nobody's concern.
      if (!this.#stopped) this.#failed(error);
    }
    this.#arm(next);
  }

  #arm(ms: number): void {
    if (!this.#stopped && ms < Infinity) this.#timer = this.#clock.timer(ms, () => void this.#run());
  }
}
