/** Samples requests and exports their spans in batches, without delaying requests. */
import { randomBytes } from "node:crypto";
import type { Clock, Logger, Timer } from "../../machinery/index.ts";
import { Span, type FinishedSpan, type SpanStart, type SpanSurroundings } from "./span.ts";
import type { TraceContext } from "./trace-context.ts";

/** Defaults of OpenTelemetry's batch span processor. */
const maxWaiting = 2048;
const batchSize = 512;
const batchMs = 5000;

export interface TracerOptions {
  clock: Clock;
  log: Logger;
  samplingRatePerMillion: number;
  /** Exports a batch; rejects when that failed. */
  send(spans: readonly FinishedSpan[]): Promise<void>;
}

export class Tracer implements SpanSurroundings {
  readonly #options: TracerOptions;
  /** Traces are sampled when the last 8 bytes of their ID are below it (as in TraceIDRatioBased). */
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

  /** Monotonic clock, as time since the epoch. */
  now(): number {
    return this.#epoch + this.#options.clock.monotonic();
  }

  /** Converts a monotonic time. */
  at(monotonic: number): number {
    return this.#epoch + monotonic;
  }

  newId(bytes: number): string {
    return randomBytes(bytes).toString("hex");
  }

  /**
   * The root span of a request in this server. A trusted client's context sets the parent and the sampling; other clients'
   * contexts become links.
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

  /** Exports pending spans. */
  async close(): Promise<void> {
    await this.#flush();
  }

  /** One batch at a time. */
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
