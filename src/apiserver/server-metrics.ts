/** What the server tells of itself when /metrics is read. */
import type { APIService } from "../api/index.ts";
import type { Store } from "../store/index.ts";
import type { ObjectCaches } from "./cache/objects.ts";
import { maxChanges } from "./cache/watch-cache.ts";
import type { RequestAudit } from "./contract.ts";
import { describeBuild, describeProcess } from "./metrics/process.ts";
import type { MetricsRegistry } from "./metrics/registry.ts";
import { describeStorage } from "./metrics/storage.ts";

export interface Described {
  store: Store;
  caches: ObjectCaches;
  audit: RequestAudit | undefined;
}

export function describeServer(registry: MetricsRegistry, { store, caches, audit }: Described): void {
  describeProcess(registry);
  describeBuild(registry);
  describeStorage(registry, {
    tallies: () => caches.tallies(),
    revision: () => caches.revision,
    size: () => store.size(),
    capacity: maxChanges,
  });
  describeServices(registry, caches);
  const events = registry.counter({
    name: "apiserver_audit_event_total",
    help: "Events of the audit record.",
    stability: "ALPHA",
  });
  const levels = registry.counter({
    name: "apiserver_audit_level_total",
    help: "Requests by how much is recorded of them.",
    stability: "ALPHA",
    labels: ["level"],
  });
  registry.beforeReading(() => {
    events.with().value = audit?.events ?? 0;
    for (const [level, count] of audit?.levels ?? []) levels.with(level).value = count;
  });
}

function describeServices(registry: MetricsRegistry, caches: ObjectCaches): void {
  const unavailable = registry.gauge({
    name: "aggregator_unavailable_apiservice",
    help: "APIServices that nobody answers for.",
    stability: "ALPHA",
    labels: ["name"],
  });
  registry.beforeReading(() => {
    unavailable.clear();
    for (const { metadata, status } of caches.list<APIService>("apiregistration.k8s.io", "apiservices")) {
      const available = status?.conditions?.find(({ type }) => type === "Available")?.status === "True";
      unavailable.with(metadata?.name ?? "").set(available ? 0 : 1);
    }
  });
}
