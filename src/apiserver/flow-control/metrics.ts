/** Metrics apiserver_flowcontrol_*. */
import type { Family } from "../metrics/family.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";
import type { Gauge } from "../metrics/values.ts";
import type { FlowMeters } from "./flow.ts";
import { LevelMeters } from "./level-meters.ts";

const prefix = "apiserver_flowcontrol_";
const byLevel = ["priority_level"];
const byFlow = ["priority_level", "flow_schema"];

const durations = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const tenths = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1];

/** Metrics set for each level whenever the seats are divided, by suffix of their names. */
export interface LevelNumbers {
  nominal_limit_seats: number;
  lower_limit_seats: number;
  upper_limit_seats: number;
  current_limit_seats: number;
  demand_seats_high_watermark: number;
  demand_seats_average: number;
  demand_seats_stdev: number;
  demand_seats_smoothed: number;
  target_seats: number;
}

const levelHelp: Record<keyof LevelNumbers, readonly ["BETA" | "ALPHA", string]> = {
  nominal_limit_seats: ["BETA", "Seats that a priority level has by its configuration."],
  lower_limit_seats: ["ALPHA", "Seats that a priority level keeps, whatever others borrow of it."],
  upper_limit_seats: ["ALPHA", "Seats that a priority level may have with what it borrows."],
  current_limit_seats: ["ALPHA", "Seats that a priority level has at present."],
  demand_seats_high_watermark: ["ALPHA", "Most seats that a level could use in the last period."],
  demand_seats_average: ["ALPHA", "Seats that a level could use in the last period, on average."],
  demand_seats_stdev: ["ALPHA", "Standard deviation of the seats that a level could use in the last period."],
  demand_seats_smoothed: ["ALPHA", "Seats that a level could use, smoothed over periods."],
  target_seats: ["ALPHA", "Seats that a level is meant to get."],
};

export class FlowMetrics {
  readonly #registry: MetricsRegistry;
  readonly #levels = {} as Record<keyof LevelNumbers, Family<Gauge>>;
  readonly #fairFraction: Gauge;
  readonly #flows;
  readonly #timed;
  readonly #virtual;

  constructor(registry: MetricsRegistry) {
    this.#registry = registry;
    for (const [ending, [stability, help]] of Object.entries(levelHelp)) {
      const name = `${prefix}${ending}`;
      this.#levels[ending as keyof LevelNumbers] = registry.gauge({ name, help, stability, labels: byLevel });
    }
    this.#fairFraction = registry
      .gauge({
        name: `${prefix}seat_fair_frac`,
        help: "Share of their target that all levels get.",
        stability: "ALPHA",
      })
      .with();
    this.#flows = flowFamilies(registry);
    this.#timed = timedFamilies(registry);
    this.#virtual = virtualFamilies(registry);
  }

  get registry(): MetricsRegistry {
    return this.#registry;
  }

  divided(level: string, numbers: LevelNumbers): void {
    for (const [ending, value] of Object.entries(numbers))
      this.#levels[ending as keyof LevelNumbers].with(level).set(value);
  }

  fairFraction(value: number): void {
    this.#fairFraction.set(value);
  }

  /** Removes the metrics of a level. */
  forget(level: string): void {
    for (const family of Object.values(this.#levels)) family.remove(level);
    for (const family of Object.values(this.#virtual)) {
      family.remove(level);
      family.remove(level, "min");
      family.remove(level, "max");
    }
    const { seats, requests, demand } = this.#timed;
    for (const family of [seats, requests])
      for (const phase of ["executing", "waiting"]) family.remove(phase, level);
    demand.remove(level);
  }

  level(level: string): LevelMeters {
    const { seats, requests, demand } = this.#timed;
    return new LevelMeters({
      seats: seats.with("executing", level),
      executing: requests.with("executing", level),
      waiting: requests.with("waiting", level),
      demand: demand.with(level),
    });
  }

  /** The virtual time of a level, given in seat milliseconds and exported in seat seconds. */
  stands(level: string, virtual: number, { last }: LevelMeters): void {
    this.#virtual.current_r.with(level).set(virtual / 1000);
    if (!last) return;
    this.#virtual.dispatch_r.with(level).set(last.virtual / 1000);
    this.#virtual.latest_s.with(level).set(last.start / 1000);
    const { bounds } = last;
    this.#virtual.next_s_bounds.with(level, "min").set(bounds.min / 1000);
    this.#virtual.next_s_bounds.with(level, "max").set(bounds.max / 1000);
    this.#virtual.next_discounted_s_bounds.with(level, "min").set(bounds.minLess / 1000);
    this.#virtual.next_discounted_s_bounds.with(level, "max").set(bounds.maxLess / 1000);
  }

  flow(level: string, schema: string): FlowMeters {
    const of = this.#flows;
    return {
      executing: of.executing.with(level, schema),
      executingSeats: of.executingSeats.with(level, schema),
      waiting: of.waiting.with(level, schema),
      waitingSeats: of.waitingSeats.with(level, schema),
      dispatched: of.dispatched.with(level, schema),
      queueLength: of.queueLength.with(level, schema),
      estimatedSeats: of.estimatedSeats.with(level, schema),
      watchCount: of.watchCount.with(level, schema),
      waited: of.waited.with(level, schema, "true"),
      regular: of.execution.with(level, schema, "regular"),
      watchStarts: () => of.execution.with(level, schema, "watch"),
      waitedInVain: () => of.waited.with(level, schema, "false"),
      refused: (reason) => of.refused.with(level, schema, reason),
      noRoom: () => of.noRoom.with(level, schema),
    };
  }
}

function flowFamilies(registry: MetricsRegistry) {
  const gauge = (ending: string, stability: "BETA" | "ALPHA", help: string) =>
    registry.gauge({ name: prefix + ending, help, stability, labels: byFlow });
  const counter = (ending: string, stability: "BETA" | "ALPHA", help: string, more: string[] = []) =>
    registry.counter({ name: prefix + ending, help, stability, labels: [...byFlow, ...more] });
  const histogram = (
    ending: string,
    stability: "BETA" | "ALPHA",
    help: string,
    bounds: readonly number[],
    more: string[] = [],
  ) => registry.histogram({ name: prefix + ending, help, stability, labels: [...byFlow, ...more], bounds });
  return {
    executing: gauge("current_executing_requests", "BETA", "Requests that are served (watches: that begin)."),
    executingSeats: gauge("current_executing_seats", "BETA", "Seats that requests being served take."),
    waiting: gauge("current_inqueue_requests", "BETA", "Requests that wait in queues."),
    waitingSeats: gauge("current_inqueue_seats", "ALPHA", "Seats that requests waiting in queues will take."),
    dispatched: counter("dispatched_requests_total", "BETA", "Requests that were served."),
    refused: counter("rejected_requests_total", "BETA", "Requests that were refused.", ["reason"]),
    noRoom: counter(
      "request_dispatch_no_accommodation_total",
      "ALPHA",
      "Times that the request whose turn it was found too few seats.",
    ),
    queueLength: histogram(
      "request_queue_length_after_enqueue",
      "ALPHA",
      "Length of the queue a request joined, itself included.",
      [0, 10, 25, 50, 100, 250, 500, 1000],
    ),
    estimatedSeats: histogram(
      "work_estimated_seats",
      "ALPHA",
      "Seats that requests were taken to need.",
      [1, 2, 4, 8, 16, 32, 64, 100],
    ),
    watchCount: histogram(
      "watch_count_samples",
      "ALPHA",
      "Watches that writes were taken to wake.",
      [0, 1, 10, 100, 1000, 10_000],
    ),
    waited: histogram("request_wait_duration_seconds", "BETA", "Time in a queue.", durations, ["execute"]),
    execution: histogram(
      "request_execution_seconds",
      "ALPHA",
      "Time it took to serve requests (watches: to begin).",
      durations,
      ["type"],
    ),
  };
}

function timedFamilies(registry: MetricsRegistry) {
  const timed = (ending: string, help: string, labels: string[], bounds: readonly number[]) =>
    registry.timingHistogram({ name: prefix + ending, help, stability: "ALPHA", labels, bounds });
  return {
    seats: timed(
      "priority_level_seat_utilization",
      "Part of its seats that a level used, over time.",
      ["phase", "priority_level"],
      tenths,
    ),
    requests: timed(
      "priority_level_request_utilization",
      "Requests by what a level has room for, over time.",
      ["phase", "priority_level"],
      [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1],
    ),
    demand: timed(
      "demand_seats",
      "Seats a level could use by those it has, over time.",
      byLevel,
      [0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.7, 2, 2.8, 4, 6],
    ),
  };
}

function virtualFamilies(registry: MetricsRegistry) {
  const gauge = (ending: string, help: string, labels: string[] = []) =>
    registry.gauge({ name: prefix + ending, help, stability: "ALPHA", labels: [...byLevel, ...labels] });
  return {
    current_r: gauge("current_r", "Seat seconds that each queue has had."),
    dispatch_r: gauge("dispatch_r", "The same when a request was last served."),
    latest_s: gauge("latest_s", "When, in that time, the request served last began."),
    next_s_bounds: gauge("next_s_bounds", "When the first requests of queues begin.", ["bound"]),
    next_discounted_s_bounds: gauge(
      "next_discounted_s_bounds",
      "The same without the work that is under way.",
      ["bound"],
    ),
  };
}
