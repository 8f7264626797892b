/** Metrics that begin before the server: configuration files, and encryption at rest. */
import { identityName } from "../bootstrap/identity.ts";
import { ConfigReloadMetrics, type ConfigSubject } from "./config-reloads.ts";
import { EncryptionMetrics } from "./encryption.ts";
import { MetricsRegistry } from "./registry.ts";

export interface StartupMetrics {
  /** For `ApiServerOptions.metrics`. */
  readonly registry: MetricsRegistry;
  readonly encryption: EncryptionMetrics;
  reloads(subject: ConfigSubject): ConfigReloadMetrics;
}

/** `hostname`: determines the server's identity; `now`: milliseconds since the epoch. */
export function startupMetrics(hostname: string, now: () => number): StartupMetrics {
  const registry = new MetricsRegistry();
  const server = identityName(hostname);
  return {
    registry,
    encryption: new EncryptionMetrics(registry, server, now),
    reloads: (subject) => new ConfigReloadMetrics(registry, subject, server, now),
  };
}
