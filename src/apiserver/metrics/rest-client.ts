/** rest_client_*: calls of webhooks. */
import type { MetricsRegistry } from "./registry.ts";
import { X509Metrics } from "./x509.ts";

const seconds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const bytes = [64, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 2 ** 20, 2 ** 22, 2 ** 24];

export class RestClientMetrics {
  readonly #requests;
  readonly #durations;
  readonly #sent;
  readonly #received;
  /** Certificates of webhooks. */
  readonly x509: X509Metrics;

  constructor(registry: MetricsRegistry) {
    this.x509 = new X509Metrics(registry, "webhooks");
    const stability = "ALPHA";
    this.#requests = registry.counter({
      name: "rest_client_requests_total",
      help: "Requests to others, by how they were answered.",
      stability,
      labels: ["code", "method", "host"],
    });
    const histogram = (name: string, help: string, bounds: readonly number[]) =>
      registry.histogram({ name: `rest_client_${name}`, help, stability, labels: ["verb", "host"], bounds });
    this.#durations = histogram("request_duration_seconds", "Time until others answered.", seconds);
    this.#sent = histogram("request_size_bytes", "Bytes that were sent to others.", bytes);
    this.#received = histogram("response_size_bytes", "Bytes that others answered with.", bytes);
  }

  /** `status`: undefined without an answer. `received`: its size in bytes. */
  posted(host: string, status: number | undefined, ms: number, sent: number, received: number): void {
    this.#requests.with(status === undefined ? "<error>" : String(status), "POST", host).add();
    this.#durations.with("POST", host).observe(ms / 1000);
    this.#sent.with("POST", host).observe(sent);
    if (status !== undefined) this.#received.with("POST", host).observe(received);
  }
}
