/** All priority levels, and the division of the server's seats among them. */
import type { PriorityLevelConfiguration } from "../../api/index.ts";
import type { Clock } from "../../machinery/index.ts";
import { allocate, type Allocation, type Wish } from "./allocation.ts";
import { SmoothedDemand } from "./demand.ts";
import { Level, type LimitResponse } from "./level.ts";
import type { LevelMeters } from "./level-meters.ts";
import { limitResponse, mostSeats, seatLimits, type SeatLimits, sharesOf } from "./limits.ts";
import type { FlowMetrics } from "./metrics.ts";
import { RetryAfter } from "./retry-after.ts";

type Spec = NonNullable<PriorityLevelConfiguration["spec"]>;

/** A running level. */
export interface LevelState {
  readonly name: string;
  uid: string;
  spec: Spec;
  response: LimitResponse;
  limits: SeatLimits;
  /** Current seats, including lent and borrowed ones. */
  seats: number;
  /** Its object was deleted: it is removed when it is idle. */
  leaving: boolean;
  readonly demand: SmoothedDemand;
  readonly level: Level;
  readonly meters: LevelMeters;
  readonly retryAfter: RetryAfter;
  /** Limit of the seats of one request; 0: none. */
  mostSeats: number;
}

const noLimits: SeatLimits = { nominal: 0, lower: 0, upper: 0 };

export class Levels {
  readonly #clock: Clock;
  readonly #metrics: FlowMetrics;
  readonly #total: number;
  #states = new Map<string, LevelState>();
  /** Sum of the nominal seats: slightly above the total, since each is rounded up. */
  #nominal = 0;

  /** `total`: seats of the server. */
  constructor(total: number, clock: Clock, metrics: FlowMetrics) {
    this.#total = total;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  get(name: string): LevelState | undefined {
    return this.#states.get(name);
  }

  all(): Iterable<LevelState> {
    return this.#states.values();
  }

  /** Nominal seats of all levels, and room in their queues, as bases of ratios. */
  get room(): { seats: number; waiting: number } {
    let waiting = 0;
    for (const { response } of this.#states.values())
      if (typeof response === "object") waiting += response.queues * response.queueLengthLimit;
    return { seats: this.#nominal, waiting };
  }

  /** Replaces the levels; former ones remain until they are idle. */
  configure(objects: readonly PriorityLevelConfiguration[]): void {
    const next = new Map<string, LevelState>();
    for (const object of objects) {
      const name = object.metadata?.name ?? "";
      const response = limitResponse(object);
      if (!response || !object.spec) continue;
      const state = this.#states.get(name) ?? this.#added(name);
      next.set(name, state);
      state.leaving = false;
      state.uid = object.metadata?.uid ?? "";
      state.spec = object.spec;
      state.response = response;
    }
    for (const [name, state] of this.#states) {
      if (next.has(name)) continue;
      if (state.level.idle) {
        this.#metrics.forget(name);
        continue;
      }
      state.leaving = true;
      next.set(name, state);
    }
    this.#states = next;
    this.#limit();
    this.divide();
  }

  /** Divides the seats by the demand since the last time. */
  divide(): void {
    const wishes: Wish[] = [];
    const limited: LevelState[] = [];
    let left = this.#nominal;
    let lowerSum = 0;
    let leastSum = 0;
    for (const state of this.#states.values()) {
      state.level.sync();
      state.demand.add(state.level.demand.take());
      const least = leastOf(state);
      if (state.response === "exempt") {
        left -= least;
        continue;
      }
      limited.push(state);
      const target = Math.max(least, state.demand.smoothed);
      wishes.push({ lower: least, upper: state.limits.upper, target });
      lowerSum += state.limits.lower;
      leastSum += least;
    }
    // When exempt levels take too many, the others fall to their minimum.
    let found: Allocation | undefined;
    const tight = left <= leastSum;
    const part = left <= lowerSum || leastSum === lowerSum ? 0 : (left - lowerSum) / (leastSum - lowerSum);
    if (!tight) found = allocate(this.#nominal, wishes);
    this.#metrics.fairFraction(found?.proportion ?? 0);
    for (const state of this.#states.values()) {
      const least = leastOf(state);
      const at = limited.indexOf(state);
      if (at < 0) state.seats = least;
      else if (tight) state.seats = state.limits.lower + Math.round((least - state.limits.lower) * part);
      else if (found) state.seats = Math.round(found.seats[at] as number);
      this.#apply(state, wishes[at]?.target ?? least);
    }
  }

  #apply({ name, seats, limits, demand, level, response }: LevelState, target: number): void {
    const denominator = seats > 0 ? seats : Math.max(1, Math.round(this.#total / 10));
    level.configure(response, seats, denominator);
    this.#metrics.divided(name, {
      nominal_limit_seats: limits.nominal,
      lower_limit_seats: limits.lower,
      upper_limit_seats: limits.upper,
      current_limit_seats: seats,
      demand_seats_high_watermark: demand.peak,
      demand_seats_average: demand.average,
      demand_seats_stdev: demand.deviation,
      demand_seats_smoothed: demand.smoothed,
      target_seats: target,
    });
  }

  #limit(): void {
    let shares = 0;
    for (const { spec } of this.#states.values()) shares += sharesOf(spec);
    this.#nominal = 0;
    for (const state of this.#states.values()) {
      const isNew = state.limits === noLimits;
      state.limits = seatLimits(state.spec, this.#total, shares);
      state.mostSeats = mostSeats(state.response, state.limits);
      this.#nominal += state.limits.nominal;
      if (isNew)
        state.seats = state.limits.nominal - Math.floor((state.limits.nominal - state.limits.lower) / 2);
    }
  }

  #added(name: string): LevelState {
    const meters = this.#metrics.level(name);
    return {
      name,
      uid: "",
      spec: {} as Spec,
      response: "reject",
      limits: noLimits,
      seats: 0,
      leaving: false,
      demand: new SmoothedDemand(),
      level: new Level(name, this.#clock, meters),
      meters,
      retryAfter: new RetryAfter(),
      mostSeats: 0,
    };
  }
}

/** Lower bound of a level: its demand, up to its nominal seats; exempt levels get all they used. */
function leastOf({ response, limits, demand }: LevelState): number {
  if (response === "exempt") return Math.max(limits.lower, demand.peak);
  return Math.max(limits.lower, Math.min(limits.nominal, demand.peak));
}
