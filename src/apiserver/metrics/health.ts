/** kubernetes_healthcheck*: results of health checks, for /metrics/slis. */
import { MetricsRegistry } from "./registry.ts";

export class HealthMetrics {
  readonly registry = new MetricsRegistry();
  readonly #last = this.registry.gauge({
    name: "kubernetes_healthcheck",
    help: "Whether a health check passed.",
    stability: "STABLE",
    labels: ["name", "type"],
  });
  readonly #all = this.registry.counter({
    name: "kubernetes_healthchecks_total",
    help: "Health checks by what they found.",
    stability: "STABLE",
    labels: ["name", "type", "status"],
  });

  found(name: string, endpoint: string, passed: boolean): void {
    this.#last.with(name, endpoint).set(passed ? 1 : 0);
    this.#all.with(name, endpoint, passed ? "success" : "error").add();
  }
}
