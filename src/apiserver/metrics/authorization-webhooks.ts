/** apiserver_authorization_webhook_*, apiserver_authorization_match_condition_*: authorization webhooks by name. */
import type { MetricsRegistry } from "./registry.ts";
import { defaultBounds } from "./values.ts";

/** The result of a call. Not `canceled`: calls are never cancelled here. */
export type WebhookResult = "success" | "timeout" | "error";

export class AuthorizationWebhookMetrics {
  readonly #asked;
  readonly #seconds;
  readonly #failedOpen;
  readonly #conditions;
  readonly #excluded;
  readonly #failed;

  constructor(registry: MetricsRegistry) {
    const prefix = "apiserver_authorization_";
    const stability = "ALPHA";
    const results = ["name", "result"];
    const named = ["type", "name"];
    const counter = (name: string, help: string, labels: readonly string[]) =>
      registry.counter({ name: prefix + name, help, stability, labels });
    this.#asked = counter("webhook_evaluations_total", "Questions to webhooks that authorize.", results);
    this.#failedOpen = counter(
      "webhook_evaluations_fail_open_total",
      "Questions without an answer that were passed over.",
      results,
    );
    this.#seconds = registry.histogram({
      name: `${prefix}webhook_duration_seconds`,
      help: "Time that webhooks took to answer.",
      stability,
      labels: results,
      bounds: defaultBounds,
    });
    this.#conditions = registry.histogram({
      name: `${prefix}match_condition_evaluation_seconds`,
      help: "Time that match conditions took.",
      stability,
      labels: named,
      bounds: [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25],
    });
    this.#excluded = counter(
      "match_condition_exclusions_total",
      "Requests that did not concern a webhook.",
      named,
    );
    this.#failed = counter("match_condition_evaluation_errors_total", "Match conditions that failed.", named);
  }

  /** For each call. */
  asked(name: string, result: WebhookResult, ms: number): void {
    this.#asked.with(name, result).add();
    this.#seconds.with(name, result).observe(ms / 1000);
  }

  /** A failed call was skipped (failure policy NoOpinion). */
  passedOver(name: string, result: WebhookResult): void {
    this.#failedOpen.with(name, result).add();
  }

  /** Match conditions were evaluated. `excluded`: one did not hold, so the webhook is skipped; `failed`: one failed. */
  matched(name: string, { excluded, failed }: { excluded: boolean; failed: boolean }, ms: number): void {
    this.#conditions.with("Webhook", name).observe(ms / 1000);
    if (excluded) this.#excluded.with("Webhook", name).add();
    if (failed) this.#failed.with("Webhook", name).add();
  }
}
