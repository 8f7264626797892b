import type { TimingHistogram } from "../metrics/values.ts";
import { guessedMs, type Queue } from "./queue.ts";

/** Utilization of a level over time, and its virtual time. */
export class LevelMeters {
  readonly #seats: TimingHistogram;
  readonly #executing: TimingHistogram;
  readonly #waiting: TimingHistogram;
  readonly #demand: TimingHistogram;
  #queueRoom = 1;
  #fullSeats = 1;
  /**
   * Of the request dispatched last, in seat milliseconds: virtual times of the level, of the request, and of the heads of queues.
   */
  last: { virtual: number; start: number; bounds: HeadBounds } | undefined;

  constructor(meters: Record<"seats" | "executing" | "waiting" | "demand", TimingHistogram>) {
    this.#seats = meters.seats;
    this.#executing = meters.executing;
    this.#waiting = meters.waiting;
    this.#demand = meters.demand;
  }

  /** Sets the denominators of the ratios of waiting requests and of seats. */
  denominators(queueRoom: number, fullSeats: number): void {
    this.#queueRoom = queueRoom;
    this.#fullSeats = fullSeats;
  }

  passed(ms: number): void {
    this.#seats.passed(ms);
    this.#executing.passed(ms);
    this.#waiting.passed(ms);
    this.#demand.passed(ms);
  }

  set(waiting: number, executing: number, seatsInUse: number, seatsWaiting: number): void {
    this.#seats.set(seatsInUse / this.#fullSeats);
    this.#executing.set(executing / this.#fullSeats);
    this.#waiting.set(waiting / this.#queueRoom);
    this.#demand.set((seatsInUse + seatsWaiting) / this.#fullSeats);
  }

  /** A request of this queue is dispatched. `others`: queues that may have waiting requests. */
  served(virtual: number, queue: Queue, others: readonly Queue[]): void {
    const bounds = { min: queue.nextStart, max: queue.nextStart, minLess: 0, maxLess: 0 };
    const less = queue.nextStart - queue.seatsInUse * guessedMs;
    bounds.minLess = less;
    bounds.maxLess = less;
    for (const each of others) {
      if (each.waiting.length === 0) continue;
      const eachLess = each.nextStart - each.seatsInUse * guessedMs;
      bounds.min = Math.min(bounds.min, each.nextStart);
      bounds.max = Math.max(bounds.max, each.nextStart);
      bounds.minLess = Math.min(bounds.minLess, eachLess);
      bounds.maxLess = Math.max(bounds.maxLess, eachLess);
    }
    this.last = { virtual, start: queue.nextStart, bounds };
  }
}

/**
 * Least and greatest virtual start of the requests at the heads of queues; "less": reduced by the estimated work of executing
 * ones.
 */
export interface HeadBounds {
  min: number;
  max: number;
  minLess: number;
  maxLess: number;
}
