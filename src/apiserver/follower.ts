/** What is recorded once an answer is made: metrics, the log of slow requests, and the end of long-running ones. */
import type { Logger } from "../machinery/index.ts";
import type { HandlerRequest, RequestInfo } from "./contract.ts";
import type { FlowControl } from "./flow-control/flow-control.ts";
import { isLasting } from "./flow-control/lasting.ts";
import type { Passage } from "./flow-control/passage.ts";
import type { Asked } from "./gate.ts";
import type { RequestMetrics } from "./metrics/requests.ts";
import type { Answer } from "./response.ts";

/** Slower requests are logged, as in Kubernetes. */
const slowMs = 500;

export interface Answered {
  request: HandlerRequest;
  /** Undefined when the URL could not be read. */
  info: RequestInfo | undefined;
  /** Undefined when authentication failed. */
  asked: Asked | undefined;
  answer: Answer;
  passage: Passage | undefined;
  /** Monotonic time in milliseconds. */
  now: number;
  took: {
    ms: number;
    /** The part of it until the request was authorized. */
    authMs: number;
    /** Whether the request led to an endpoint; others are not counted. */
    counts: boolean;
  };
}

export class Follower {
  readonly #log: Logger;
  readonly #meters: RequestMetrics;
  readonly #flowControl: FlowControl | undefined;

  constructor(log: Logger, meters: RequestMetrics, flowControl: FlowControl | undefined) {
    this.#log = log;
    this.#meters = meters;
    this.#flowControl = flowControl;
  }

  follow(answered: Answered): void {
    const { info, asked, took } = answered;
    if (info && asked) {
      if (took.counts) this.#count(answered, info, asked);
      this.#untilOver(answered, info, asked);
    }
    if (took.ms >= slowMs) this.#slow(answered);
  }

  #count({ request, answer, passage, took }: Answered, info: RequestInfo, { user }: Asked): void {
    this.#meters.observe({
      method: request.method,
      contentType: request.headers?.["content-type"],
      info,
      code: answer.status,
      ms: took.ms,
      othersMs: passage?.waitedMs ?? 0,
      bytes: answer.body instanceof Uint8Array ? answer.body.length : undefined,
      bodyBytes: request.body?.length ?? 0,
      own: user.name === "system:apiserver",
    });
  }

  /** Long-running requests and streams have only begun. */
  #untilOver({ request, answer, passage, now }: Answered, info: RequestInfo, { name }: Asked): void {
    const isStream = !(answer.body instanceof Uint8Array);
    const watches = info.verb === "watch";
    // The watch has begun and gives back its seat.
    if (!isStream || watches) passage?.over(now);
    if (!isStream) return;
    const { method, headers } = request;
    const lasts = isLasting(info);
    // The server ends watches itself.
    answer.lasts = lasts && !watches;
    const lasting = lasts ? this.#meters.lasting(method, headers?.["content-type"], info, name) : undefined;
    const forget = watches ? this.#flowControl?.watching(info, name) : undefined;
    lasting?.add(1);
    let over = false;
    answer.over = () => {
      if (over) return;
      over = true;
      passage?.over();
      forget?.();
      lasting?.add(-1);
    };
  }

  /** Logs where the time of a slow request went. */
  #slow({ request, info, answer, took }: Answered): void {
    const { method, path, headers, peer, audit } = request;
    this.#log.info("slow request", {
      method,
      path,
      verb: info?.verb,
      status: answer.status,
      client: peer.address,
      userAgent: headers?.["user-agent"],
      auditId: audit?.auditId,
      totalMs: Math.round(took.ms),
      authMs: Math.round(took.authMs),
      servingMs: Math.round(took.ms - took.authMs),
      bytes: answer.body instanceof Uint8Array ? answer.body.length : undefined,
    });
  }
}
