/** apiserver_conversion_webhook_*, apiserver_crd_conversion_webhook_*: calls of conversion webhooks. */
import type { MetricsRegistry } from "./registry.ts";
import { exponentialBounds } from "./values.ts";

/** The failure; "" on success. */
export type ConversionFailure =
  | ""
  | "conversion_webhook_call_failure"
  | "conversion_webhook_malformed_response_failure"
  | "conversion_webhook_partial_response_failure"
  | "conversion_webhook_invalid_converted_object_failure";

export interface Converted {
  /** Of the definition. */
  name: string;
  from: string;
  to: string;
  failure: ConversionFailure;
  ms: number;
}

export class ConversionMetrics {
  readonly #requests;
  readonly #durations;
  readonly #ofDefinitions;

  constructor(registry: MetricsRegistry) {
    const labels = ["result", "failure_type"];
    this.#requests = registry.counter({
      name: "apiserver_conversion_webhook_request_total",
      help: "Requests to webhooks that convert.",
      stability: "ALPHA",
      labels,
    });
    this.#durations = registry.histogram({
      name: "apiserver_conversion_webhook_duration_seconds",
      help: "Time that webhooks took to convert.",
      stability: "ALPHA",
      labels,
      bounds: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60],
    });
    this.#ofDefinitions = registry.histogram({
      name: "apiserver_crd_conversion_webhook_duration_seconds",
      help: "Time that webhooks took to convert, by definition and versions.",
      stability: "ALPHA",
      labels: ["crd_name", "from_version", "to_version", "succeeded"],
      bounds: exponentialBounds(0.001, 2, 15),
    });
  }

  converted({ name, from, to, failure, ms }: Converted): void {
    const result = failure === "" ? "success" : "failure";
    this.#requests.with(result, failure).add();
    this.#durations.with(result, failure).observe(ms / 1000);
    this.#ofDefinitions.with(name, from, to, String(failure === "")).observe(ms / 1000);
  }
}
