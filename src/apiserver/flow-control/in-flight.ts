/** Counts executing and waiting requests, mutating and read-only ones apart. */
import type { Clock } from "../../machinery/index.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";
import type { TimingHistogram } from "../metrics/values.ts";

type Phase = "executing" | "waiting";
export type Kind = "readOnly" | "mutating";

const readingVerbs = new Set(["get", "list", "watch"]);
export const kindOf = (verb: string): Kind => (readingVerbs.has(verb) ? "readOnly" : "mutating");

/** A number of requests, and its maximum in the last second. */
class Count {
  readonly #histogram: TimingHistogram;
  #room = 1;
  #value = 0;
  #at = 0;
  /** The current second, its maximum, and the maximum of the one before. */
  #second = 0;
  #most = 0;
  #mostBefore = 0;

  constructor(histogram: TimingHistogram) {
    this.#histogram = histogram;
  }

  room(requests: number): void {
    this.#room = Math.max(1, requests);
  }

  /** `now`: monotonic clock, in milliseconds. */
  add(by: number, now: number): void {
    this.#sync(now);
    this.#value += by;
    if (this.#value > this.#most) this.#most = this.#value;
    this.#histogram.set(this.#value / this.#room);
  }

  mostLately(now: number): number {
    this.#sync(now);
    return this.#mostBefore;
  }

  #sync(now: number): void {
    if (now > this.#at) {
      this.#histogram.passed(now - this.#at);
      this.#at = now;
    }
    const second = Math.floor(now / 1000);
    if (second === this.#second) return;
    this.#mostBefore = second === this.#second + 1 ? this.#most : this.#value;
    this.#most = this.#value;
    this.#second = second;
  }
}

export class InFlight {
  readonly #counts: Record<Phase, Record<Kind, Count>>;

  constructor(registry: MetricsRegistry, clock: Clock) {
    const over = registry.timingHistogram({
      name: "apiserver_flowcontrol_read_vs_write_current_requests",
      help: "Requests by what there is room for, over time.",
      stability: "ALPHA",
      labels: ["phase", "request_kind"],
      bounds: [0, 0.001, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1],
    });
    const count = (phase: Phase, kind: Kind): Count => new Count(over.with(phase, kind));
    const counts = (phase: Phase) => ({
      readOnly: count(phase, "readOnly"),
      mutating: count(phase, "mutating"),
    });
    this.#counts = { executing: counts("executing"), waiting: counts("waiting") };
    const labels = ["request_kind"];
    const served = registry.gauge({
      name: "apiserver_current_inflight_requests",
      help: "Most requests served at once in the last second.",
      stability: "STABLE",
      labels,
    });
    const queued = registry.gauge({
      name: "apiserver_current_inqueue_requests",
      help: "Most requests waiting at once in the last second.",
      stability: "ALPHA",
      labels,
    });
    registry.beforeReading(() => {
      const now = clock.monotonic();
      for (const kind of ["readOnly", "mutating"] as const) {
        served.with(kind).set(this.#counts.executing[kind].mostLately(now));
        queued.with(kind).set(this.#counts.waiting[kind].mostLately(now));
      }
    });
  }

  room({ seats, waiting }: { seats: number; waiting: number }): void {
    for (const kind of ["readOnly", "mutating"] as const) {
      this.#counts.executing[kind].room(seats);
      this.#counts.waiting[kind].room(waiting);
    }
  }

  add(phase: Phase, kind: Kind, by: number, now: number): void {
    this.#counts[phase][kind].add(by, now);
  }
}
