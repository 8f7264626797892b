/** *_x509_*: servers whose certificates are of a kind that Go takes no more. */
import type { Counter } from "./values.ts";
import type { MetricsRegistry } from "./registry.ts";

export class X509Metrics {
  /** Without alternative names. */
  readonly missingSan: Counter;
  /** Signed by way of SHA-1. */
  readonly sha1: Counter;

  /** `caller`: who talks to these servers, as it stands in the names of the metrics. */
  constructor(registry: MetricsRegistry, caller: "webhooks" | "kube_aggregator") {
    const counter = (name: string, help: string): Counter =>
      registry.counter({ name: `apiserver_${caller}_x509_${name}_total`, help, stability: "ALPHA" }).with();
    this.missingSan = counter("missing_san", "Servers whose certificate has no alternative names.");
    this.sha1 = counter("insecure_sha1", "Servers whose certificate is signed by way of SHA-1.");
  }

  /** A server could not be asked. `text`: why, in Go's words. */
  refused(text: string): void {
    if (text.includes("x509: certificate relies on legacy Common Name field")) this.missingSan.add();
    if (/x509: cannot verify signature: insecure algorithm .*SHA1/.test(text)) this.sha1.add();
  }
}
