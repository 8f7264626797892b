/** The timeout of a request: when it is over the client is answered, and the work for it is told to stop. */
import { type Clock, StatusError, type Timer } from "../machinery/index.ts";
import type { Answer } from "./response.ts";

/** Limit of a write from its verb on, as in Kubernetes' handlers (endpoints/handlers/rest.go). */
export const writeMs = 34_000;

/** The request timed out. Answered in plain JSON, since this is outside of content negotiation. */
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

/** The verb timed out. */
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
  /** The error that was answered at the timeout. */
  #late: Late | undefined;

  /** `now`: when the request came (monotonic); `ms`: its timeout from there. */
  constructor(clock: Clock, now: number, ms: number) {
    this.#clock = clock;
    this.#at = now + ms;
  }

  /** Milliseconds left; 0 or less after the timeout. */
  get leftMs(): number {
    return this.#at - this.#clock.monotonic();
  }

  /** Aborts at the timeout. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#late) this.#abort.abort(new Error("context deadline exceeded"));
    return this.#abort.signal;
  }

  /** Throws after the timeout, so that nothing more is begun. */
  check(): void {
    if (this.#late || this.leftMs < 0) throw this.#makes();
  }

  /** Limits the remaining time to `ms`. */
  bound(ms: number): void {
    const left = this.leftMs;
    if (left <= ms) return;
    this.#at += ms - left;
    this.#makes = lateWrite;
    if (this.#timer) this.#start();
  }

  /**
   * Settles as `work` does, or rejects at the timeout; `after` is then called when `work` has settled, with its error if it
   * failed.
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

  /** Calls back at the timeout while the finished answer is being sent. */
  cut(run: () => void): void {
    this.#fails = run;
    this.#start();
  }

  /** The answer has been sent. */
  end(): void {
    this.#timer?.stop();
  }

  #start(): void {
    this.#timer?.stop();
    this.#timer = this.#clock.timer(this.leftMs, () => this.#expire());
  }

  /** Ends the timeout; answers with the error that was given before, if the work was late. */
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
