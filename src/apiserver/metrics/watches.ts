/** apiserver_watch_events_*: what watches are told. */
import type { MetricsRegistry } from "./registry.ts";
import { type Counter, exponentialBounds, type Histogram } from "./values.ts";

/** Of one resource; a watch keeps it. */
export interface WatchMeters {
  readonly events: Counter;
  readonly sizes: Histogram;
}

export class WatchMetrics {
  readonly #events;
  readonly #sizes;

  constructor(registry: MetricsRegistry) {
    const labels = ["group", "version", "resource"];
    const stability = "ALPHA";
    this.#events = registry.counter({
      name: "apiserver_watch_events_total",
      help: "Events that were sent to watches.",
      stability,
      labels,
    });
    this.#sizes = registry.histogram({
      name: "apiserver_watch_events_sizes",
      help: "Bytes of events that were sent to watches.",
      stability,
      labels,
      bounds: exponentialBounds(1024, 2, 8),
    });
  }

  of({ group, version, plural }: { group: string; version: string; plural: string }): WatchMeters {
    return {
      events: this.#events.with(group, version, plural),
      sizes: this.#sizes.with(group, version, plural),
    };
  }
}
