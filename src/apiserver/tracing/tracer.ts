/** Which requests are traced, and the way of their spans to a collector: in batches, and never at the cost of a request. */
import { randomBytes } from "node:crypto";
import type { Clock, Logger, Timer } from "../../machinery/index.ts";
import { Span, type FinishedSpan, type SpanStart, type SpanSurroundings } from "./span.ts";
import type { TraceContext } from "./trace-context.ts";

/** As OpenTelemetry's batch span processor has them by default. */
const maxWaiting = 2048;
const batchSize = 512;
const batchMs = 5000;

export interface TracerOptions {
  clock: Clock;
  log: Logger;
  samplingRatePerMillion: number;
  /** Sends a batch away; rejects when that failed. */
  send(spans: readonly FinishedSpan[]): Promise<void>;
}

export class Tracer implements SpanSurroundings {
  readonly #options: TracerOptions;
  /** Below this a trace is sampled, by the last 8 bytes of its id (as TraceIDRatioBased does). */
  readonly #threshold: bigint;
  readonly #epoch: number;
  #waiting: FinishedSpan[] = [];
  #timer: Timer | undefined;
  #sending: Promise<void> = Promise.resolve();
  #dropped = 0;

  constructor(options: TracerOptions) {
    this.#options = options;
    this.#threshold = BigInt(Math.round((options.samplingRatePerMillion / 1_000_000) * 2 ** 53)) << 10n;
    this.#epoch = options.clock.now() - options.clock.monotonic();
  }

  /** By the clock that goes on steadily, told since the epoch. */
  now(): number {
    return this.#epoch + this.#options.clock.monotonic();
  }

  /** The same for a moment of that clock. */
  at(monotonic: number): number {
    return this.#epoch + monotonic;
  }

  newId(bytes: number): string {
    return randomBytes(bytes).toString("hex");
  }

  /**
   * The first span here of a request. `trusted`: whoever asks may say to which trace it belongs and whether that is sampled; of
   * others it is noted what they said.
   */
  begin(start: SpanStart, given: TraceContext | undefined, trusted: boolean): Span {
    const spanId = this.newId(8);
    if (given && trusted)
      return new Span(this, start, { ...given, spanId }, { id: given.spanId, link: undefined });
    const traceId = this.newId(16);
    const sampled = BigInt(`0x${traceId.slice(16)}`) >> 1n < this.#threshold;
    return new Span(this, start, { traceId, spanId, sampled, state: "" }, { id: "", link: given });
  }

  finished(span: FinishedSpan): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= batchSize) void this.#flush();
    else this.#timer ??= this.#options.clock.timer(batchMs, () => void this.#flush());
  }

  /** Sends what waits. */
  async close(): Promise<void> {
    await this.#flush();
  }

  /** One batch after the other. */
  #flush(): Promise<void> {
    this.#timer?.stop();
    this.#timer = undefined;
    this.#sending = this.#sending.then(async () => {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting.slice(0, batchSize);
        this.#waiting = this.#waiting.slice(batchSize);
        await this.#options.send(batch).catch((error: unknown) => {
          this.#options.log.warn("spans could not be sent", { spans: batch.length, error });
        });
      }
      if (this.#dropped > 0) this.#options.log.warn("spans were dropped", { spans: this.#dropped });
      this.#dropped = 0;
    });
    return this.#sending;
  }
}
