/** apiserver_admission_*: durations and rejections of plugins and webhooks. */
import { PolicyMetrics } from "./policies.ts";
import type { MetricsRegistry } from "./registry.ts";
import type { RestClientMetrics } from "./rest-client.ts";
import type { Histogram } from "./values.ts";

export type AdmissionStep = "admit" | "validate";
type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** The outcome of a webhook call. `code`: of its answer or refusal; 0 when the server itself failed. */
export interface WebhookOutcome {
  rejected: boolean;
  code: number;
  /** The reason of the rejection. */
  error: "no_error" | "calling_webhook_error" | "apiserver_internal_error";
}

const bounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5];
/** Greater codes are capped, to limit the number of series. */
const greatestCode = 600;

/** Of one step of one operation. */
export class StepMeters {
  /** All plugins together. */
  readonly whole: Histogram;
  readonly #make: (name: string) => Histogram;
  readonly #plugins = new Map<string, Histogram>();

  constructor(whole: Histogram, make: (name: string) => Histogram) {
    this.whole = whole;
    this.#make = make;
  }

  plugin(name: string): Histogram {
    let found = this.#plugins.get(name);
    if (!found) {
      found = this.#make(name);
      this.#plugins.set(name, found);
    }
    return found;
  }
}

export class AdmissionMetrics {
  /** For plugins with metrics of their own. */
  readonly registry: MetricsRegistry;
  readonly policies: PolicyMetrics;
  readonly #steps;
  readonly #plugins;
  readonly #webhooks;
  readonly #requests;
  readonly #rejections;
  readonly #failedOpen;
  readonly #known: Record<AdmissionStep, Partial<Record<Operation, StepMeters>>> = {
    admit: {},
    validate: {},
  };

  readonly restClient: RestClientMetrics;

  constructor(registry: MetricsRegistry, restClient: RestClientMetrics) {
    this.registry = registry;
    this.restClient = restClient;
    this.policies = new PolicyMetrics(registry);
    const labels = ["type", "operation", "rejected"];
    const named = ["name", ...labels];
    const prefix = "apiserver_admission_";
    this.#steps = registry.histogram({
      name: `${prefix}step_admission_duration_seconds`,
      help: "Time that all plugins together took.",
      stability: "STABLE",
      labels,
      bounds,
    });
    this.#plugins = registry.histogram({
      name: `${prefix}controller_admission_duration_seconds`,
      help: "Time that plugins took.",
      stability: "STABLE",
      labels: named,
      bounds,
    });
    this.#webhooks = registry.histogram({
      name: `${prefix}webhook_admission_duration_seconds`,
      help: "Time that webhooks took.",
      stability: "STABLE",
      labels: named,
      bounds: [...bounds, 10, 25],
    });
    const alpha = { stability: "ALPHA" } as const;
    this.#requests = registry.counter({
      name: `${prefix}webhook_request_total`,
      help: "Requests to webhooks.",
      ...alpha,
      labels: [...named, "code"],
    });
    this.#rejections = registry.counter({
      name: `${prefix}webhook_rejection_count`,
      help: "What webhooks refused, or failed to answer.",
      ...alpha,
      labels: ["name", "type", "operation", "error_type", "rejection_code"],
    });
    this.#failedOpen = registry.counter({
      name: `${prefix}webhook_fail_open_count`,
      help: "Webhooks that failed and were passed over.",
      ...alpha,
      labels: ["name", "type"],
    });
  }

  /** The meters of successful plugins. */
  of(step: AdmissionStep, operation: Operation): StepMeters {
    const known = this.#known[step];
    known[operation] ??= new StepMeters(this.#steps.with(step, operation, "false"), (name) =>
      this.#plugins.with(name, step, operation, "false"),
    );
    return known[operation];
  }

  /** A plugin rejected, and so did the step. Takes the step's total duration. */
  rejected(step: AdmissionStep, operation: Operation, plugin: string, ms: number): void {
    this.#plugins.with(plugin, step, operation, "true").observe(ms / 1000);
    this.#steps.with(step, operation, "true").observe(ms / 1000);
  }

  webhook(
    name: string,
    step: AdmissionStep,
    operation: Operation,
    ms: number,
    outcome: WebhookOutcome,
  ): void {
    // Kubernetes' labels of the two steps are inconsistent.
    const type = step === "admit" ? "admit" : "validating";
    const { rejected, error } = outcome;
    const code = String(Math.min(outcome.code, greatestCode));
    this.#webhooks.with(name, type, operation, String(rejected)).observe(ms / 1000);
    this.#requests.with(name, type, operation, String(rejected), code).add();
    if (rejected) this.#rejections.with(name, type, operation, error, code).add();
  }

  failedOpen(name: string, step: AdmissionStep): void {
    this.#failedOpen.with(name, step === "admit" ? "admit" : "validating").add();
  }
}
