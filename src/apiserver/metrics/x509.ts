/** *_x509_*: servers whose certificates Go does not accept any more. */
import type { Counter } from "./values.ts";
import type { MetricsRegistry } from "./registry.ts";

/** Adds an audit annotation to a request. */
export type Annotate = (key: string, value: string) => void;

const wrongs = [
  {
    count: "missingSan",
    id: "missing-san",
    told: /x509: certificate relies on legacy Common Name field/,
    reason: "relies on a legacy Common Name field instead of the SAN extension for subject validation",
  },
  {
    count: "sha1",
    id: "insecure-sha1",
    told: /x509: cannot verify signature: insecure algorithm .*SHA1/,
    reason: "uses an insecure SHA-1 signature",
  },
] as const;

export class X509Metrics {
  /** Without subject alternative names. */
  readonly missingSan: Counter;
  /** Signed with SHA-1. */
  readonly sha1: Counter;

  /** `caller`: the prefix of the metrics' names. */
  constructor(registry: MetricsRegistry, caller: "webhooks" | "kube_aggregator") {
    const counter = (name: string, help: string): Counter =>
      registry.counter({ name: `apiserver_${caller}_x509_${name}_total`, help, stability: "ALPHA" }).with();
    this.missingSan = counter("missing_san", "Servers whose certificate has no alternative names.");
    this.sha1 = counter("insecure_sha1", "Servers whose certificate is signed by way of SHA-1.");
  }

  /** A server could not be reached. `text`: the error in Go's words. Certificate problems are also annotated. */
  refused(text: string, host: string, annotate?: Annotate): void {
    for (const { count, id, told, reason } of wrongs) {
      if (!told.test(text)) continue;
      this[count].add();
      annotate?.(`${id}.invalid-cert.kubernetes.io/${host}`, reason);
    }
  }
}
