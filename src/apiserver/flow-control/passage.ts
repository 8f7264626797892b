/** A request's passage through flow control. */
import type { Clock } from "../../machinery/index.ts";
import { type Answer, textAnswer } from "../response.ts";
import type { Flow } from "./flow.ts";
import { type InFlight, type Kind, kindOf } from "./in-flight.ts";
import type { LevelState } from "./levels.ts";
import type { Asked, Ticket } from "./queue.ts";
import type { Schema } from "./schema.ts";
import type { Work } from "./work.ts";

/** Shared by all passages. */
export interface Surroundings {
  clock: Clock;
  inFlight: InFlight;
  /** A level has become idle. */
  onIdle(level: LevelState): void;
}

export class Passage {
  readonly #around: Surroundings;
  readonly #schema: Schema;
  readonly #flow: Flow;
  readonly #kind: Kind;
  readonly #watches: boolean;
  readonly #ticket: Ticket;
  /** Time in the queue, in milliseconds. */
  waitedMs = 0;

  /** `now`: monotonic clock, in milliseconds. */
  constructor(around: Surroundings, schema: Schema, flow: Flow, work: Work, now: number, asked: Asked) {
    this.#around = around;
    this.#schema = schema;
    this.#flow = flow;
    const { verb } = asked.request;
    this.#kind = kindOf(verb);
    this.#watches = verb === "watch";
    this.#ticket = schema.level.level.start(flow, work, now, asked);
    if (this.#ticket.state === "running") this.#begins();
  }

  /** True when it is executing at once; otherwise wait for `turn`. */
  get served(): boolean {
    return this.#ticket.state === "running";
  }

  /** Waits in the queue, for `limitMs` at most or until the client disconnects. False: rejected. */
  turn(limitMs: number, signal: AbortSignal | undefined): boolean | Promise<boolean> {
    const ticket = this.#ticket;
    if (ticket.state !== "waiting") return ticket.state === "running";
    const { clock, inFlight } = this.#around;
    const { level } = this.#schema.level;
    inFlight.add("waiting", this.#kind, 1, ticket.arrivedAt);
    return new Promise<boolean>((resolve) => {
      const giveUp = (): void => level.cancel(ticket);
      const timer = clock.timer(limitMs, giveUp);
      ticket.decided = (served) => {
        timer.stop();
        signal?.removeEventListener("abort", giveUp);
        const now = clock.monotonic();
        this.waitedMs = now - ticket.arrivedAt;
        inFlight.add("waiting", this.#kind, -1, now);
        if (served) this.#begins();
        else {
          this.#flow.meters.waitedInVain().observe(this.waitedMs / 1000);
          this.#left();
        }
        resolve(served);
      };
      if (signal?.aborted) giveUp();
      else signal?.addEventListener("abort", giveUp, { once: true });
    });
  }

  /** The request has ended (a watch: is initialized). Further calls have no effect. */
  over(now = this.#around.clock.monotonic()): void {
    const ticket = this.#ticket;
    if (ticket.state !== "running") return;
    const { meters } = this.#flow;
    const meter = this.#watches ? meters.watchStarts() : meters.regular;
    meter.observe((now - ticket.startedAt) / 1000);
    this.#around.inFlight.add("executing", this.#kind, -1, now);
    this.#schema.level.level.finish(ticket, now);
    this.#left();
  }

  /** Names schema and level in the answer's headers by their UIDs. */
  label(answer: Answer): Answer {
    const { uid, level } = this.#schema;
    answer.headers["x-kubernetes-pf-flowschema-uid"] = uid;
    answer.headers["x-kubernetes-pf-prioritylevel-uid"] = level.uid;
    return answer;
  }

  /** The answer to a rejected request. */
  refusal(): Answer {
    const { retryAfter } = this.#schema.level;
    retryAfter.refused(this.#around.clock.now());
    const answer = textAnswer(429, "Too many requests, please try again later.\n");
    answer.headers["retry-after"] = String(retryAfter.seconds);
    return answer;
  }

  #begins(): void {
    // Exempt requests do not wait, so no waiting time is recorded.
    if (this.#schema.level.response !== "exempt") this.#flow.meters.waited.observe(this.waitedMs / 1000);
    this.#around.inFlight.add("executing", this.#kind, 1, this.#ticket.startedAt);
  }

  #left(): void {
    const { level } = this.#schema;
    if (level.leaving && level.level.idle) this.#around.onIdle(level);
  }
}
