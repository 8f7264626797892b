/** Metrics of webhook calls. */
import type { Clock } from "../../../machinery/index.ts";
import type { AdmissionMetrics, AdmissionStep, WebhookOutcome } from "../../metrics/admission.ts";
import { WebhookCallError } from "../../webhooks/answers.ts";
import type { AdmissionRequest } from "../chain.ts";
import type { Called } from "./hooks.ts";
import { Denial } from "./verdict.ts";

export class HookWatch {
  readonly #clock: Clock;
  readonly #metrics: AdmissionMetrics;
  readonly #step: AdmissionStep;

  constructor(clock: Clock, metrics: AdmissionMetrics, step: AdmissionStep) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#step = step;
  }

  /** Runs a call and measures it. */
  async over<T>({ hook }: Called, { operation, audit }: AdmissionRequest, run: () => Promise<T>): Promise<T> {
    const began = this.#clock.monotonic();
    const done = (outcome: WebhookOutcome): void => {
      const took = this.#clock.monotonic() - began;
      this.#metrics.webhook(hook.name, this.#step, operation, took, outcome);
      audit?.spent(this.#step === "admit" ? "mutating-webhook" : "validating-webhook", took);
    };
    try {
      const result = await run();
      done({ rejected: false, code: 200, error: "no_error" });
      return result;
    } catch (error) {
      done(failure(error, hook.failurePolicy === "Ignore"));
      throw error;
    }
  }

  failedOpen({ hook }: Called): void {
    this.#metrics.failedOpen(hook.name, this.#step);
  }
}

/** `mayFail`: a failed call does not refuse the request. */
function failure(error: unknown, mayFail: boolean): WebhookOutcome {
  if (error instanceof WebhookCallError) {
    // Unreachable, or an unusable answer.
    const code = error.message.startsWith("failed to call webhook") ? 503 : 400;
    return { rejected: !mayFail, code, error: "calling_webhook_error" };
  }
  if (error instanceof Denial) return { rejected: true, code: error.code, error: "no_error" };
  return { rejected: true, code: 0, error: "apiserver_internal_error" };
}
