import type { ApiTransport, ComponentContext } from "../../client/index.ts";
import type { Clock, Logger } from "../../machinery/index.ts";

export interface PartState {
  name: string;
  healthy: boolean;
  /** What is wrong, or "". */
  message: string;
  restarts: number;
}

const firstPauseMs = 200;
const longestPauseMs = 10_000;
/** A failed component is healthy again after running this long. */
const wellMs = 3000;
/** After running this long, a component's next backoff is short again. */
const recoveredMs = 60_000;

/** Runs the components, each as its own user, and restarts those that fail. */
export class Supervisor {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];
  readonly #states: PartState[] = [];

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  states(): readonly PartState[] {
    return this.#states;
  }

  /** Runs `run`, and restarts it after a backoff whenever it fails or ends. */
  start(name: string, api: ApiTransport, run: (context: ComponentContext) => Promise<void>): void {
    const state: PartState = { name, healthy: true, message: "", restarts: 0 };
    this.#states.push(state);
    this.#running.push(this.#keep(state, api, run));
  }

  /** Stops all components; resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("wherry is stopping"));
    await Promise.all(this.#running);
  }

  async #keep(
    state: PartState,
    api: ApiTransport,
    run: (context: ComponentContext) => Promise<void>,
  ): Promise<void> {
    const log = this.#log.with({ part: state.name });
    let pauseMs = firstPauseMs;
    while (!this.signal.aborted) {
      // A failed component is aborted as a whole: by its own signal.
      const own = new AbortController();
      const end = (): void => own.abort(this.signal.reason);
      this.signal.addEventListener("abort", end, { once: true });
      const began = this.#clock.monotonic();
      const well = this.#clock.timer(wellMs, () => {
        state.healthy = true;
        state.message = "";
      });
      try {
        await run({ api, clock: this.#clock, log, signal: own.signal });
        if (!this.signal.aborted) state.message = "ended by itself";
      } catch (error) {
        if (this.signal.aborted) break;
        state.message = error instanceof Error ? error.message : String(error);
        log.error("part failed", { error });
      } finally {
        well.stop();
        this.signal.removeEventListener("abort", end);
        own.abort(new Error(`${state.name} ended`));
      }
      if (this.signal.aborted) break;
      state.healthy = false;
      state.restarts++;
      if (this.#clock.monotonic() - began > recoveredMs) pauseMs = firstPauseMs;
      await this.#clock.sleep(pauseMs, this.signal).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }
}
