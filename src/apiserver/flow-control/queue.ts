import { Slots } from "../../machinery/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { RequestInfo } from "../contract.ts";
import type { Flow } from "./flow.ts";
import { seatsOf, type Work } from "./work.ts";

/** Whose request it is, and for what: for whoever looks into the queues. */
export interface Asked {
  request: RequestInfo;
  user: UserInfo;
}

/** A request at a level. */
export class Ticket {
  readonly flow: Flow;
  work: Work;
  seats: number;
  /** Seat milliseconds it is taken to need, all told. */
  readonly totalWork: number;
  state: "waiting" | "running" | "refused" | "over" = "waiting";
  /** Of the clock that goes on steadily, in milliseconds. */
  readonly arrivedAt: number;
  startedAt = 0;
  /** The level's seat time when it came. */
  readonly arrivedAtVirtual: number;
  /** Absent when it was served without one. */
  queue: Queue | undefined;
  /** Whoever waits is told: true when it is served. */
  decided: ((served: boolean) => void) | undefined;
  readonly asked: Asked | undefined;
  /** Its place among those that are served. */
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

  /** No more final seats than there are at all; those are held for longer. */
  narrow(limit: number): void {
    const { initialSeats, finalSeats, lingerMs } = this.work;
    if (finalSeats <= limit || limit <= 0) return;
    this.work = { initialSeats, finalSeats: limit, lingerMs: (finalSeats * lingerMs) / limit };
    this.seats = seatsOf(this.work);
  }
}

/** How long a request is taken to last until it is known, in milliseconds. */
export const guessedMs = 3;

/** Requests of flows that share it, first come first served. */
export class Queue {
  readonly waiting: Ticket[] = [];
  readonly executing = new Slots<Ticket>();
  seatsInUse = 0;
  /** Sums over those that wait. */
  work = 0;
  /** When the next request begins in the level's seat time. */
  nextStart = 0;

  get isEmpty(): boolean {
    return this.waiting.length === 0 && this.executing.size === 0;
  }

  push(ticket: Ticket): void {
    this.waiting.push(ticket);
    this.work += ticket.totalWork;
  }

  /** Only when somebody waits. */
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
