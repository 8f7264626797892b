/** apiserver_watch_*: events sent to watches. */
import type { MetricsRegistry } from "./registry.ts";
import { type Counter, exponentialBounds, type Histogram } from "./values.ts";

/** Of one resource; kept by each watch. */
export interface WatchMeters {
  readonly events: Counter;
  readonly sizes: Histogram;
  /** It was closed because its client reads too slowly. */
  cutOff(): void;
}

export class WatchMetrics {
  readonly #events;
  readonly #sizes;
  readonly #listed;
  readonly #cutOff;

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
    this.#listed = registry.histogram({
      name: "apiserver_watch_list_duration_seconds",
      help: "Time until watches have told the state that they begin with.",
      stability: "BETA",
      labels: [...labels, "scope"],
      bounds: [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60],
    });
    this.#cutOff = registry.counter({
      name: "apiserver_terminated_watchers_total",
      help: "Watches that were cut off because nobody took what they told.",
      stability,
      labels: ["group", "resource"],
    });
  }

  /** A watch has sent its initial events, this long after its request. */
  listed(
    { group, version, plural }: { group: string; version: string; plural: string },
    scope: string,
    ms: number,
  ): void {
    this.#listed.with(group, version, plural, scope).observe(ms / 1000);
  }

  of({ group, version, plural }: { group: string; version: string; plural: string }): WatchMeters {
    return {
      events: this.#events.with(group, version, plural),
      sizes: this.#sizes.with(group, version, plural),
      cutOff: () => this.#cutOff.with(group, plural).add(),
    };
  }
}
