/** What the server tells of itself when /metrics is read. */
import type { APIService } from "../api/index.ts";
import type { Store } from "../store/index.ts";
import type { ObjectCaches } from "./cache/objects.ts";
import { maxChanges } from "./cache/watch-cache.ts";
import type { RequestAudit } from "./contract.ts";
import { describeIssuance } from "./metrics/issuance.ts";
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
  describeIssuance(registry, caches);
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
  const errors = registry.counter({
    name: "apiserver_audit_error_total",
    help: "Events of the audit record that were lost, by where.",
    stability: "ALPHA",
    labels: ["plugin"],
  });
  const rejected = registry.counter({
    name: "apiserver_audit_requests_rejected_total",
    help: "Requests that were refused because they could not be recorded.",
    stability: "ALPHA",
  });
  registry.beforeReading(() => {
    rejected.with().value = audit?.rejected ?? 0;
    for (const [plugin, count] of audit?.errors ?? []) errors.with(plugin).value = count;
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
  const lost = registry.counter({
    name: "aggregator_unavailable_apiservice_total",
    help: "How often nobody answered for an APIService any more, by why.",
    stability: "ALPHA",
    labels: ["name", "reason"],
  });
  const availability = (object: APIService | undefined) =>
    object?.status?.conditions?.find(({ type }) => type === "Available");
  caches.onChange<APIService>("apiregistration.k8s.io", "apiservices", (type, object, old) => {
    if (type !== "modified" || availability(old)?.status !== "True") return;
    const now = availability(object);
    if (now?.status !== "True") lost.with(object.metadata?.name ?? "", now?.reason ?? "UnknownReason").add();
  });
  registry.beforeReading(() => {
    unavailable.clear();
    for (const object of caches.list<APIService>("apiregistration.k8s.io", "apiservices")) {
      const available = availability(object)?.status === "True";
      unavailable.with(object.metadata?.name ?? "").set(available ? 0 : 1);
    }
  });
}
