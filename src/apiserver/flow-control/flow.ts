import type { Counter, Gauge, Histogram } from "../metrics/values.ts";

/** Metrics of one FlowSchema at one level. */
export interface FlowMeters {
  readonly executing: Gauge;
  readonly executingSeats: Gauge;
  readonly waiting: Gauge;
  readonly waitingSeats: Gauge;
  readonly dispatched: Counter;
  readonly queueLength: Histogram;
  readonly estimatedSeats: Histogram;
  readonly watchCount: Histogram;
  readonly waited: Histogram;
  readonly regular: Histogram;
  /** Rarely used. */
  readonly watchStarts: () => Histogram;
  readonly waitedInVain: () => Histogram;
  readonly refused: (reason: Refusal) => Counter;
  readonly noRoom: () => Counter;
}

export type Refusal = "concurrency-limit" | "queue-full" | "time-out";

/** Requests queued together: of one FlowSchema, and one user or namespace in it. */
export interface Flow {
  readonly schema: string;
  readonly distinguisher: string;
  /** The level's queues that it may join; empty when there is no choice. */
  readonly hand: readonly number[];
  readonly meters: FlowMeters;
}
