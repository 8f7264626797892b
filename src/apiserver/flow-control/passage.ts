/** One request on its way through flow control. */
import type { Clock } from "../../machinery/index.ts";
import { type Answer, textAnswer } from "../response.ts";
import type { Flow } from "./flow.ts";
import { type InFlight, type Kind, kindOf } from "./in-flight.ts";
import type { LevelState } from "./levels.ts";
import type { Asked, Ticket } from "./queue.ts";
import type { Schema } from "./schema.ts";
import type { Work } from "./work.ts";

/** What all passages share. */
export interface Surroundings {
  clock: Clock;
  inFlight: InFlight;
  /** A level has nobody left. */
  onIdle(level: LevelState): void;
}

export class Passage {
  readonly #around: Surroundings;
  readonly #schema: Schema;
  readonly #flow: Flow;
  readonly #kind: Kind;
  readonly #watches: boolean;
  readonly #ticket: Ticket;
  /** How long it waited, in milliseconds. */
  waitedMs = 0;

  /** `now`: of the clock that goes on steadily, in milliseconds. */
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

  /** True when it is served at once; otherwise `turn` says what becomes of it. */
  get served(): boolean {
    return this.#ticket.state === "running";
  }

  /** Waits for its turn, for `limitMs` at most or until the client is gone. False: it is refused. */
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

  /** It has been served (a watch: it has begun). Once is enough; again does nothing. */
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

  /** Says in the answer's headers which schema and level it was, by what only those can read who may read them. */
  label(answer: Answer): Answer {
    const { uid, level } = this.#schema;
    answer.headers["x-kubernetes-pf-flowschema-uid"] = uid;
    answer.headers["x-kubernetes-pf-prioritylevel-uid"] = level.uid;
    return answer;
  }

  /** For a request that is refused. */
  refusal(): Answer {
    const { retryAfter } = this.#schema.level;
    retryAfter.refused(this.#around.clock.now());
    const answer = textAnswer(429, "Too many requests, please try again later.\n");
    answer.headers["retry-after"] = String(retryAfter.seconds);
    return answer;
  }

  #begins(): void {
    // Those without limits do not stand in line, so nothing is said of their waiting.
    if (this.#schema.level.response !== "exempt") this.#flow.meters.waited.observe(this.waitedMs / 1000);
    this.#around.inFlight.add("executing", this.#kind, 1, this.#ticket.startedAt);
  }

  #left(): void {
    const { level } = this.#schema;
    if (level.leaving && level.level.idle) this.#around.onIdle(level);
  }
}
