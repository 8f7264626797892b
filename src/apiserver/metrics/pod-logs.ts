/** kube_apiserver_pod_logs_*: whether kubelets' certificates are verified, and with what result. */
import type { MetricsRegistry } from "./registry.ts";

export class PodLogMetrics {
  readonly #asked;
  readonly #distrusted;

  constructor(registry: MetricsRegistry) {
    const stability = "ALPHA";
    this.#asked = registry.counter({
      name: "kube_apiserver_pod_logs_insecure_backend_total",
      help: "Requests for logs, by whether the kubelet must show who it is.",
      stability,
      labels: ["usage"],
    });
    this.#distrusted = registry
      .counter({
        name: "kube_apiserver_pod_logs_backend_tls_failure_total",
        help: "Requests for logs that failed because the kubelet could not show who it is.",
        stability,
      })
      .with();
  }

  asked(usage: "enforce_tls" | "skip_tls_allowed"): void {
    this.#asked.with(usage).add();
  }

  distrusted(): void {
    this.#distrusted.add();
  }
}
