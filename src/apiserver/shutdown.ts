/** How the server ends, as kube-apiserver does: first it is no longer ready, then it takes nothing new, then it stops. */
import { StatusError } from "../machinery/index.ts";
import type { HandlerRequest, ShutdownOptions } from "./contract.ts";
import { type Answer, errorAnswer, textAnswer } from "./response.ts";

/** Paths that are answered to the end, for probes. */
const answered = ["/readyz", "/livez", "/healthz", "/metrics"];

export class Shutdown {
  readonly #options: ShutdownOptions;
  readonly #ends = new AbortController();
  #leaving = false;

  constructor(options: ShutdownOptions) {
    this.#options = options;
  }

  get delayMs(): number {
    return this.#options.delayMs ?? 0;
  }

  get graceMs(): number {
    return this.#options.graceMs ?? 3000;
  }

  get watchGraceMs(): number {
    return this.#options.watchGraceMs ?? 0;
  }

  get sendRetryAfter(): boolean {
    return this.#options.sendRetryAfter ?? false;
  }

  /** Aborts when new requests are refused. */
  get ends(): AbortSignal {
    return this.#ends.signal;
  }

  /** Begins the shutdown: /readyz fails from now on. */
  leave(): void {
    this.#leaving = true;
  }

  /** Refuses new requests. */
  end(): void {
    this.#leaving = true;
    this.#ends.abort();
  }

  /** The health check of /readyz. */
  check(): void {
    if (this.#leaving) throw new Error("process is shutting down");
  }

  /** The answer to a request that comes too late; undefined before. */
  refusal({ path, headers }: HandlerRequest): Answer | undefined {
    if (!this.ends.aborted) return undefined;
    if (answered.some((prefix) => path.startsWith(prefix))) return undefined;
    if (headers?.["user-agent"]?.startsWith("kube-apiserver/")) return undefined;
    if (!this.sendRetryAfter) {
      const answer = errorAnswer(new StatusError("ServiceUnavailable", "apiserver is shutting down"));
      Object.assign(answer.headers, { "retry-after": "1", "x-content-type-options": "nosniff" });
      return answer;
    }
    const answer = textAnswer(429, "The apiserver is shutting down, please try again later.\n");
    answer.headers["retry-after"] = "5";
    return { ...answer, hangUp: true };
  }
}
