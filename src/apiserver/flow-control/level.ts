/**
 * One priority level: its seats and its queues.
 *
 * Fair queuing by KEP-1040: virtual time advances for all queues of the level alike, by the seat time that each non-empty queue
 * gets ("R"). The virtual start of a request is the virtual end of the one before it in its queue; the request with the earliest
 * virtual end is dispatched next. The work of a request is estimated when it starts and corrected when it ends.
 */
import { type Clock, Slots } from "../../machinery/index.ts";
import { DemandMeter } from "./demand.ts";
import type { Flow, Refusal } from "./flow.ts";
import type { LevelMeters } from "./level-meters.ts";
import { type Asked, guessedMs, Queue, Ticket } from "./queue.ts";
import type { Work } from "./work.ts";

export interface Queuing {
  queues: number;
  handSize: number;
  queueLengthLimit: number;
}

/** What happens without a free seat: `exempt` levels have no limit, others reject or queue. */
export type LimitResponse = "exempt" | "reject" | Queuing;

export class Level {
  readonly name: string;
  readonly demand = new DemandMeter();
  readonly #clock: Clock;
  readonly #meters: LevelMeters;
  #response: LimitResponse = "reject";
  #limit = 0;
  #queues: Queue[] = [];
  /** The queue dispatched last; the next one wins ties. */
  #robin = 0;
  #enqueued = 0;
  /** Number of queues with waiting or executing requests. */
  #active = 0;
  /** Executing requests without a queue. */
  readonly #queueless = new Slots<Ticket>();
  /** Virtual time, in seat milliseconds. */
  #virtual = 0;
  #syncedAt: number;
  /** Waiting and executing requests, and their seats; a seat may be held for a while after its request. */
  waiting = 0;
  executing = 0;
  seatsWaiting = 0;
  seatsInUse = 0;
  /** Total so far. */
  dispatched = 0;
  rejected = 0;
  cancelled = 0;

  constructor(name: string, clock: Clock, meters: LevelMeters) {
    this.name = name;
    this.#clock = clock;
    this.#meters = meters;
    this.#syncedAt = clock.monotonic();
  }

  get idle(): boolean {
    return this.waiting === 0 && this.executing === 0;
  }

  get queues(): readonly Queue[] {
    return this.#queues;
  }

  get queueless(): Iterable<Ticket> {
    return this.#queueless;
  }

  get virtual(): number {
    return this.#virtual;
  }

  /** `denominator`: the base of the utilization ratio. Dispatches what the new limit allows. */
  configure(response: LimitResponse, limit: number, denominator: number): void {
    this.sync();
    this.#response = response;
    this.#limit = limit;
    if (typeof response === "object") {
      // Surplus queues are removed when they are empty.
      while (this.#queues.length < response.queues) this.#queues.push(new Queue());
      this.#meters.denominators(response.queues * Math.max(1, response.queueLengthLimit), denominator);
    } else this.#meters.denominators(1, denominator);
    this.#dispatch();
    this.#note();
  }

  /** A new request. Its ticket says whether it is executing, waiting or rejected. */
  start(flow: Flow, work: Work, now = this.#clock.monotonic(), asked?: Asked): Ticket {
    this.sync(now);
    const ticket = new Ticket(flow, work, now, this.#virtual, asked);
    if (typeof this.#response !== "object") {
      if (!this.#fits(ticket.seats)) return this.#refuse(ticket, "concurrency-limit");
      ticket.place = this.#queueless.add(ticket);
      this.#run(ticket);
      this.#note();
      return ticket;
    }
    const { queueLengthLimit } = this.#response;
    const at = this.#choose(flow.hand);
    const queue = this.#queues[at] as Queue;
    if (this.seatsInUse >= this.#limit && queue.waiting.length >= queueLengthLimit) {
      this.#bound(queue);
      return this.#refuse(ticket, "queue-full");
    }
    ticket.queue = queue;
    if (queue.isEmpty) {
      queue.nextStart = this.#virtual;
      this.#active++;
    }
    const goesAhead = this.waiting === 0 && this.seatsInUse < this.#limit && this.#fits(ticket.seats);
    flow.meters.queueLength.observe(queue.waiting.length + 1);
    if (goesAhead) {
      this.#bound(queue, ticket);
      this.#robin = at;
      this.#serveFrom(queue, ticket);
    } else {
      queue.push(ticket);
      this.waiting++;
      this.seatsWaiting += ticket.seats;
      flow.meters.waiting.add(1);
      flow.meters.waitingSeats.add(ticket.seats);
      this.#bound(queue);
      this.#dispatch();
    }
    this.#note();
    return ticket;
  }

  /** A request ends; its seats are freed, or held until watchers have been notified. */
  finish(ticket: Ticket, now = this.#clock.monotonic()): void {
    if (ticket.state !== "running") return;
    ticket.state = "over";
    this.sync(now);
    this.executing--;
    ticket.flow.meters.executing.add(-1);
    const { queue } = ticket;
    if (queue) {
      queue.executing.take(ticket.place);
      if (queue.isEmpty) this.#active--;
      queue.nextStart -= ticket.work.initialSeats * (guessedMs - (now - ticket.startedAt));
      this.#bound(queue);
    } else this.#queueless.take(ticket.place);
    if (ticket.work.lingerMs > 0) {
      this.#clock.timer(ticket.work.lingerMs, () => {
        this.sync();
        this.#release(ticket);
        this.#dispatch();
        this.#note();
      });
    } else this.#release(ticket);
    this.#dispatch();
    this.#note();
  }

  /** A request stops waiting, after a timeout or a disconnect. */
  cancel(ticket: Ticket): void {
    const { queue, seats } = ticket;
    if (ticket.state !== "waiting" || !queue) return;
    this.sync();
    queue.remove(ticket);
    if (queue.isEmpty) this.#active--;
    this.#bound(queue);
    this.#leaveQueue(ticket, seats);
    this.cancelled++;
    this.#refuse(ticket, "time-out");
    ticket.decided?.(false);
    // A request behind it may need fewer seats.
    this.#dispatch();
    this.#note();
  }

  /** Advances the virtual time. Call it before every change, and before reading anything that depends on time. */
  sync(now = this.#clock.monotonic()): void {
    const passed = now - this.#syncedAt;
    if (passed <= 0) return;
    this.#syncedAt = now;
    if (this.#active > 0) {
      const wanted = this.seatsInUse + this.seatsWaiting;
      this.#virtual += (passed * Math.min(wanted, this.#limit)) / this.#active;
    }
    this.demand.passed(passed);
    this.#meters.passed(passed);
  }

  #refuse(ticket: Ticket, reason: Refusal): Ticket {
    ticket.state = "refused";
    this.rejected++;
    ticket.flow.meters.refused(reason).add();
    return ticket;
  }

  /** Index of the queue with the least work; ties are broken in turn. */
  #choose(hand: readonly number[]): number {
    if (hand.length === 0) return 0;
    const offset = this.#enqueued++ % hand.length;
    let best = 0;
    let leastWork = Number.POSITIVE_INFINITY;
    for (let i = 0; i < hand.length && leastWork > 0; i++) {
      const at = hand[(offset + i) % hand.length] as number;
      const { work } = this.#queues[at] as Queue;
      if (work >= leastWork) continue;
      leastWork = work;
      best = at;
    }
    return best;
  }

  #fits(seats: number): boolean {
    if (this.#response === "exempt") return true;
    // A request wider than the limit executes alone.
    if (seats > this.#limit) return this.executing === 0;
    return this.seatsInUse + seats <= this.#limit;
  }

  #dispatch(): void {
    while (this.waiting > 0 && this.seatsInUse < this.#limit) {
      const queue = this.#next();
      if (!queue) return;
      const ticket = queue.shift();
      this.#leaveQueue(ticket, ticket.seats);
      this.#serveFrom(queue, ticket);
      this.#bound(queue);
      ticket.decided?.(true);
    }
  }

  /** The queue whose head has the earliest virtual end, if it fits; smaller requests do not overtake it. */
  #next(): Queue | undefined {
    let best = -1;
    let bestEnd = Number.POSITIVE_INFINITY;
    const count = this.#queues.length;
    for (let i = 1; i <= count; i++) {
      const at = (this.#robin + i) % count;
      const queue = this.#queues[at] as Queue;
      const first = queue.waiting[0];
      if (!first) continue;
      const end = queue.nextStart + first.totalWork;
      if (end >= bestEnd) continue;
      bestEnd = end;
      best = at;
    }
    const queue = this.#queues[best];
    const first = queue?.waiting[0];
    if (!queue || !first) return undefined;
    if (!this.#fits(first.seats)) {
      first.flow.meters.noRoom().add();
      return undefined;
    }
    this.#robin = best;
    return queue;
  }

  #leaveQueue({ flow }: Ticket, seats: number): void {
    this.waiting--;
    this.seatsWaiting -= seats;
    flow.meters.waiting.add(-1);
    flow.meters.waitingSeats.add(-seats);
  }

  #serveFrom(queue: Queue, ticket: Ticket): void {
    ticket.narrow(this.#limit);
    this.#meters.served(this.#virtual, queue, this.waiting > 0 ? this.#queues : []);
    ticket.place = queue.executing.add(ticket);
    queue.seatsInUse += ticket.seats;
    queue.nextStart += ticket.totalWork;
    this.#run(ticket);
  }

  #run(ticket: Ticket): void {
    const { seats, flow } = ticket;
    ticket.state = "running";
    ticket.startedAt = this.#syncedAt;
    this.executing++;
    this.dispatched++;
    this.seatsInUse += seats;
    flow.meters.executing.add(1);
    flow.meters.executingSeats.add(seats);
    flow.meters.dispatched.add();
  }

  #release(ticket: Ticket): void {
    const { seats, flow, queue } = ticket;
    this.seatsInUse -= seats;
    flow.meters.executingSeats.add(-seats);
    if (!queue) return;
    queue.seatsInUse -= seats;
    const wanted = typeof this.#response === "object" ? this.#response.queues : 0;
    if (this.#queues.length <= wanted || !queue.isEmpty) return;
    const at = this.#queues.indexOf(queue);
    if (at < 0) return;
    this.#queues.splice(at, 1);
    if (this.#robin >= at) this.#robin--;
  }

  /** The virtual start is not before the arrival: an idle queue does not accumulate time. */
  #bound(queue: Queue, first: Ticket | undefined = queue.waiting[0]): void {
    if (first && queue.nextStart < first.arrivedAtVirtual) queue.nextStart = first.arrivedAtVirtual;
  }

  #note(): void {
    this.demand.set(this.seatsInUse + this.seatsWaiting);
    this.#meters.set(this.waiting, this.executing, this.seatsInUse, this.seatsWaiting);
  }
}
