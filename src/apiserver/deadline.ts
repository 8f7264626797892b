/** How long a request may take. When its time is up it is answered, whatever still goes on, and all that works for it is told. */
import { type Clock, StatusError, type Timer } from "../machinery/index.ts";
import type { Answer } from "./response.ts";

/** A write takes no longer, once it has reached its verb: as in Kubernetes' handlers (endpoints/handlers/rest.go). */
export const writeMs = 34_000;

/** Time is up, before anything was made of the request. It is told outside of what negotiates encodings, so in plain JSON. */
export class LateError extends Error {
  override readonly name = "LateError";

  constructor() {
    super("Timeout: request did not complete within the allotted timeout");
  }

  get answer(): Answer {
    const { message } = this;
    const status = { metadata: {}, status: "Failure", message, reason: "Timeout", details: {}, code: 504 };
    return {
      status: 504,
      headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache, private" },
      body: Buffer.from(`${JSON.stringify(status)}\n`),
    };
  }
}

/** Time of a verb is up. */
const lateWrite = (): StatusError =>
  new StatusError(
    "Timeout",
    "Timeout: request did not complete within requested timeout - context deadline exceeded",
    { details: {} },
  );

export type Late = LateError | StatusError;

export class Deadline {
  readonly #clock: Clock;
  #at: number;
  #timer: Timer | undefined;
  #makes: () => Late = () => new LateError();
  #fails: ((error: Late) => void) | undefined;
  #abort: AbortController | undefined;
  /** What was told when time was up. */
  #late: Late | undefined;

  /** `now`: when the request came, by the clock that goes on steadily; `ms`: its time from there. */
  constructor(clock: Clock, now: number, ms: number) {
    this.#clock = clock;
    this.#at = now + ms;
  }

  /** Milliseconds that are left; none or less when time is up. */
  get leftMs(): number {
    return this.#at - this.#clock.monotonic();
  }

  /** Aborts when time is up. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#late) this.#abort.abort(new Error("context deadline exceeded"));
    return this.#abort.signal;
  }

  /** Throws when time is up: nothing more is begun then. */
  check(): void {
    if (this.#late || this.leftMs < 0) throw this.#makes();
  }

  /** From here on there are `ms` at most. */
  bound(ms: number): void {
    const left = this.leftMs;
    if (left <= ms) return;
    this.#at += ms - left;
    this.#makes = lateWrite;
    if (this.#timer) this.#start();
  }

  /**
   * What `work` settles with, or rejects when time is up; `after` is then called once it has settled all the same, with the
   * error, if it failed.
   */
  over<T>(work: Promise<T>, after: (late: Late, error: unknown) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#fails = reject;
      this.#start();
      work.then(
        (value) => {
          const late = this.#settled();
          if (late) after(late, undefined);
          else resolve(value);
        },
        (error: unknown) => {
          const late = this.#settled();
          if (late) after(late, error);
          else reject(error as Error);
        },
      );
    });
  }

  /** Calls back when time is up, after all work is done: what is left to do is to send the answer. */
  cut(run: () => void): void {
    this.#fails = run;
    this.#start();
  }

  /** Nobody is interested any more. */
  end(): void {
    this.#timer?.stop();
  }

  #start(): void {
    this.#timer?.stop();
    this.#timer = this.#clock.timer(this.leftMs, () => this.#expire());
  }

  /** The work is done; what was told before, if that was too late. */
  #settled(): Late | undefined {
    this.#timer?.stop();
    if (this.leftMs < 0) this.#expire();
    return this.#late;
  }

  #expire(): void {
    if (this.#late) return;
    this.#late = this.#makes();
    this.#abort?.abort(new Error("context deadline exceeded"));
    this.#fails?.(this.#late);
  }
}
