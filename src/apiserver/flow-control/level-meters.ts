import type { TimingHistogram } from "../metrics/values.ts";
import { guessedMs, type Queue } from "./queue.ts";

/** How full a level was over time, and where it stands in its own time. */
export class LevelMeters {
  readonly #seats: TimingHistogram;
  readonly #executing: TimingHistogram;
  readonly #waiting: TimingHistogram;
  readonly #demand: TimingHistogram;
  #queueRoom = 1;
  #fullSeats = 1;
  /** Of the request that was served last, in seat milliseconds: the level's time, the request's, and those of the heads of queues. */
  last: { virtual: number; start: number; bounds: HeadBounds } | undefined;

  constructor(meters: Record<"seats" | "executing" | "waiting" | "demand", TimingHistogram>) {
    this.#seats = meters.seats;
    this.#executing = meters.executing;
    this.#waiting = meters.waiting;
    this.#demand = meters.demand;
  }

  /** What the numbers of those that wait, and of seats, are divided by. */
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

  /** A request of this queue is about to be served. `others`: queues in which somebody may wait. */
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

/** Least and greatest beginning of the first requests of queues; "less" what their queues' running work is taken to be. */
export interface HeadBounds {
  min: number;
  max: number;
  minLess: number;
  maxLess: number;
}
