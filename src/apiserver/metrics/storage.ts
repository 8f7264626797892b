/** Storage metrics: apiserver_storage_*, apiserver_watch_cache_*, etcd_request_*. */
import type { MetricsRegistry } from "./registry.ts";
import type { Counter, Histogram } from "./values.ts";

/** Of one stored resource. */
export interface ResourceTally {
  group: string;
  resource: string;
  objects: number;
  bytes: number;
  /** Events since the start, plus objects at the start. */
  changes: number;
  initial: number;
}

export interface StorageSource {
  tallies(): Iterable<ResourceTally>;
  /** Revision of the cache. */
  revision(): number;
  /** Maximum of cached events of one resource. */
  readonly capacity: number;
  /** Size on disk in bytes. */
  size(): Promise<number>;
}

export type StoreOperation = "create" | "update" | "delete";

const bounds = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
const byResource = ["group", "resource"];

export class StorageMetrics {
  readonly #requests;
  readonly #durations;
  readonly #errors;
  readonly #known = new Map<string, readonly [Counter, Histogram]>();

  /** Objects per lease, when the next one is created. */
  readonly leased: Histogram;

  constructor(registry: MetricsRegistry) {
    const labels = ["operation", ...byResource];
    this.leased = registry
      .histogram({
        name: "etcd_lease_object_counts",
        help: "Objects that share a lease.",
        stability: "ALPHA",
        bounds: [10, 50, 100, 500, 1000, 2500, 5000],
      })
      .with();
    this.#requests = registry.counter({
      name: "etcd_requests_total",
      help: "Requests to the store.",
      stability: "ALPHA",
      labels,
    });
    this.#errors = registry.counter({
      name: "etcd_request_errors_total",
      help: "Requests to the store that failed.",
      stability: "ALPHA",
      labels,
    });
    this.#durations = registry.histogram({
      name: "etcd_request_duration_seconds",
      help: "Time that requests to the store took.",
      stability: "ALPHA",
      labels,
      bounds,
    });
  }

  failed(operation: StoreOperation, { group, plural }: { group: string; plural: string }): void {
    this.#errors.with(operation, group, plural).add();
  }

  wrote(operation: StoreOperation, { group, plural }: { group: string; plural: string }, ms: number): void {
    const key = `${operation} ${group}/${plural}`;
    let known = this.#known.get(key);
    if (!known) {
      known = [this.#requests.with(operation, group, plural), this.#durations.with(operation, group, plural)];
      this.#known.set(key, known);
    }
    known[0].add();
    known[1].observe(ms / 1000);
  }
}

/** Values read at collection. */
export function describeStorage(registry: MetricsRegistry, source: StorageSource): void {
  const gauge = (name: string, help: string, stability: "STABLE" | "ALPHA", labels: string[]) =>
    registry.gauge({ name, help, stability, labels });
  const counter = (name: string, help: string, stability: "BETA" | "ALPHA") =>
    registry.counter({ name, help, stability, labels: byResource });
  const whole = gauge("apiserver_storage_objects", "Stored objects.", "STABLE", ["resource"]);
  const objects = gauge("apiserver_resource_objects", "Stored objects.", "ALPHA", byResource);
  const bytes = gauge(
    "apiserver_resource_size_estimate_bytes",
    "Bytes of stored objects.",
    "ALPHA",
    byResource,
  );
  const size = gauge("apiserver_storage_size_bytes", "Bytes of the store.", "STABLE", ["storage_cluster_id"]);
  const version = gauge(
    "apiserver_watch_cache_resource_version",
    "Up to which objects are in memory.",
    "ALPHA",
    byResource,
  );
  const changes = ["Changes that were seen.", "ALPHA"] as const;
  const seen = [
    counter("apiserver_storage_events_received_total", changes[0], "BETA"),
    counter("apiserver_watch_cache_events_received_total", ...changes),
    counter("apiserver_watch_cache_events_dispatched_total", ...changes),
  ];
  const capacity = gauge("watch_cache_capacity", "Changes that are kept at most.", "ALPHA", byResource);
  const filled = counter(
    "apiserver_watch_cache_initializations_total",
    "How often memory was filled.",
    "ALPHA",
  );
  const initial = counter("apiserver_init_events_total", "Objects that were there at the start.", "ALPHA");
  registry.beforeReading(async () => {
    size.with("etcd-0").set(await source.size());
    const revision = source.revision();
    for (const family of [whole, objects, bytes, version, capacity]) family.clear();
    for (const { group, resource, ...tally } of source.tallies()) {
      whole.with(group === "" ? resource : `${resource}.${group}`).set(tally.objects);
      objects.with(group, resource).set(tally.objects);
      bytes.with(group, resource).set(tally.bytes);
      version.with(group, resource).set(revision);
      for (const family of seen) family.with(group, resource).value = tally.changes;
      initial.with(group, resource).value = tally.initial;
      capacity.with(group, resource).set(source.capacity);
      // Filled once, at start.
      filled.with(group, resource).value = 1;
    }
  });
}
