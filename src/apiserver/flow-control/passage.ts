/** One request on its way through flow control. */
import type { Clock } from "../../machinery/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { RequestInfo } from "../contract.ts";
import { type Answer, textAnswer } from "../response.ts";
import type { Flow } from "./flow.ts";
import { type InFlight, kindOf } from "./in-flight.ts";
import type { Ticket } from "./queue.ts";
import type { Schema } from "./schema.ts";
import type { Work } from "./work.ts";

export interface PassageOptions {
  clock: Clock;
  inFlight: InFlight;
  schema: Schema;
  flow: Flow;
  work: Work;
  request: RequestInfo;
  user: UserInfo;
  /** Its level has nobody left. */
  onIdle(): void;
}

export class Passage {
  readonly #options: PassageOptions;
  readonly #ticket: Ticket;
  /** How long it waited, in milliseconds. */
  waitedMs = 0;

  constructor(options: PassageOptions) {
    this.#options = options;
    const { schema, flow, work, request, user } = options;
    this.#ticket = schema.level.level.start(flow, work, { request, user });
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
    const { clock, inFlight, request, flow, schema } = this.#options;
    const kind = kindOf(request.verb);
    inFlight.add("waiting", kind, 1, ticket.arrivedAt);
    return new Promise<boolean>((resolve) => {
      const giveUp = (): void => schema.level.level.cancel(ticket);
      const timer = clock.timer(limitMs, giveUp);
      ticket.decided = (served) => {
        timer.stop();
        signal?.removeEventListener("abort", giveUp);
        const now = clock.monotonic();
        this.waitedMs = now - ticket.arrivedAt;
        inFlight.add("waiting", kind, -1, now);
        if (served) this.#begins();
        else {
          flow.meters.waitedInVain().observe(this.waitedMs / 1000);
          this.#left();
        }
        resolve(served);
      };
      if (signal?.aborted) giveUp();
      else signal?.addEventListener("abort", giveUp, { once: true });
    });
  }

  /** It has been served (a watch: it has begun). Once is enough; again does nothing. */
  over(): void {
    const ticket = this.#ticket;
    if (ticket.state !== "running") return;
    const { clock, inFlight, request, flow, schema } = this.#options;
    const now = clock.monotonic();
    const meter = request.verb === "watch" ? flow.meters.watchStarts() : flow.meters.regular;
    meter.observe((now - ticket.startedAt) / 1000);
    inFlight.add("executing", kindOf(request.verb), -1, now);
    schema.level.level.finish(ticket);
    this.#left();
  }

  /** Says in the answer's headers which schema and level it was, by what only those can read who may read them. */
  label(answer: Answer): Answer {
    const { uid, level } = this.#options.schema;
    answer.headers["x-kubernetes-pf-flowschema-uid"] = uid;
    answer.headers["x-kubernetes-pf-prioritylevel-uid"] = level.uid;
    return answer;
  }

  /** For a request that is refused. */
  refusal(): Answer {
    const { retryAfter } = this.#options.schema.level;
    retryAfter.refused(this.#options.clock.now());
    const answer = textAnswer(429, "Too many requests, please try again later.\n");
    answer.headers["retry-after"] = String(retryAfter.seconds);
    return answer;
  }

  #begins(): void {
    const { inFlight, request, flow, schema } = this.#options;
    // Those without limits do not stand in line, so nothing is said of their waiting.
    if (schema.level.response !== "exempt") flow.meters.waited.observe(this.waitedMs / 1000);
    inFlight.add("executing", kindOf(request.verb), 1, this.#ticket.startedAt);
  }

  #left(): void {
    if (this.#options.schema.level.level.idle) this.#options.onIdle();
  }
}
