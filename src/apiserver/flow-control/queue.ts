import { Slots } from "../../machinery/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { RequestInfo } from "../contract.ts";
import type { Flow } from "./flow.ts";
import { seatsOf, type Work } from "./work.ts";

/** A request's attributes, for the debug tables. */
export interface Asked {
  request: RequestInfo;
  user: UserInfo;
}

/** A request at a level. */
export class Ticket {
  readonly flow: Flow;
  work: Work;
  seats: number;
  /** Estimated work in seat milliseconds. */
  readonly totalWork: number;
  state: "waiting" | "running" | "refused" | "over" = "waiting";
  /** Monotonic clock, in milliseconds. */
  readonly arrivedAt: number;
  startedAt = 0;
  /** The level's virtual time at its arrival. */
  readonly arrivedAtVirtual: number;
  /** Absent when it is executing without one. */
  queue: Queue | undefined;
  /** Callback of a waiting request: true when it is dispatched. */
  decided: ((served: boolean) => void) | undefined;
  readonly asked: Asked | undefined;
  /** Its index among executing requests. */
  place = -1;

  constructor(flow: Flow, work: Work, arrivedAt: number, arrivedAtVirtual: number, asked: Asked | undefined) {
    this.flow = flow;
    this.asked = asked;
    this.work = work;
    this.seats = seatsOf(work);
    this.totalWork = work.initialSeats * guessedMs + work.finalSeats * work.lingerMs;
    this.arrivedAt = arrivedAt;
    this.arrivedAtVirtual = arrivedAtVirtual;
  }

  /** Limits the final seats to those that exist, and holds them longer. */
  narrow(limit: number): void {
    const { initialSeats, finalSeats, lingerMs } = this.work;
    if (finalSeats <= limit || limit <= 0) return;
    this.work = { initialSeats, finalSeats: limit, lingerMs: (finalSeats * lingerMs) / limit };
    this.seats = seatsOf(this.work);
  }
}

/** Estimated duration of a request until it is known, in milliseconds. */
export const guessedMs = 3;

/** A queue of requests, first come first served. */
export class Queue {
  readonly waiting: Ticket[] = [];
  readonly executing = new Slots<Ticket>();
  seatsInUse = 0;
  /** Sums over waiting requests. */
  work = 0;
  /** Virtual start of the next request. */
  nextStart = 0;

  get isEmpty(): boolean {
    return this.waiting.length === 0 && this.executing.size === 0;
  }

  push(ticket: Ticket): void {
    this.waiting.push(ticket);
    this.work += ticket.totalWork;
  }

  /** Requires a waiting request. */
  shift(): Ticket {
    const ticket = this.waiting.shift() as Ticket;
    this.#without(ticket);
    return ticket;
  }

  remove(ticket: Ticket): void {
    const at = this.waiting.indexOf(ticket);
    if (at < 0) return;
    this.waiting.splice(at, 1);
    this.#without(ticket);
  }

  #without(ticket: Ticket): void {
    this.work = this.waiting.length === 0 ? 0 : this.work - ticket.totalWork;
  }
}
