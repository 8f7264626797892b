import type { Clock, Timer } from "../../machinery/index.ts";

/** Work that is done again and again, so long after it was done the last time. */
export class Repeated {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #work: () => Promise<void>;
  readonly #failed: (error: unknown) => void;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(clock: Clock, everyMs: number, work: () => Promise<void>, failed: (error: unknown) => void) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#work = work;
    this.#failed = failed;
  }

  /** Settles when it has been done once, or has failed. */
  start(): Promise<void> {
    return this.#run();
  }

  /** Begins when its time has come for the first time. */
  later(): void {
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.stop();
  }

  async #run(): Promise<void> {
    try {
      await this.#work();
    } catch (error) {
      this.#failed(error);
    }
    this.#arm();
  }

  #arm(): void {
    if (!this.#stopped) this.#timer = this.#clock.timer(this.#everyMs, () => void this.#run());
  }
}
