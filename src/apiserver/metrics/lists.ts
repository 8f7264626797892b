/** apiserver_cache_list_*, apiserver_storage_list_*: lists from memory and from the store. */
import type { MetricsRegistry } from "./registry.ts";
import type { Counter } from "./values.ts";

interface Stored {
  group: string;
  plural: string;
}

/** Of one resource and source. */
interface Counters {
  total: Counter;
  fetched: Counter;
  returned: Counter;
}

interface Known {
  cache: Counters | undefined;
  store: Counters | undefined;
  newest: Counter | undefined;
}

export class ListMetrics {
  readonly #cache;
  readonly #store;
  readonly #newest;
  /** By definition, to avoid building keys. */
  readonly #known = new WeakMap<Stored, Known>();

  constructor(registry: MetricsRegistry) {
    const labels = ["group", "resource"];
    const counter = (name: string, help: string, names: readonly string[] = labels) =>
      registry.counter({ name, help, stability: "ALPHA", labels: names });
    // The label `index` is empty here.
    const indexed = [...labels, "index"];
    this.#cache = {
      total: counter("apiserver_cache_list_total", "Lists out of memory.", indexed),
      fetched: counter("apiserver_cache_list_fetched_objects_total", "Objects that they looked at.", indexed),
      returned: counter("apiserver_cache_list_returned_objects_total", "Objects that they showed."),
    };
    this.#store = {
      total: counter("apiserver_storage_list_total", "Lists out of the store."),
      fetched: counter("apiserver_storage_list_fetched_objects_total", "Objects that they read."),
      returned: counter("apiserver_storage_list_returned_objects_total", "Objects that they showed."),
    };
    this.#newest = counter(
      "apiserver_watch_cache_consistent_read_total",
      "Lists of the newest state out of memory.",
      [...labels, "success", "fallback"],
    );
  }

  /**
   * A list begins. `fetched`: objects examined; `newest`: it shows the newest state; `stored`: it is read from the store. The
   * caller adds to `returned`.
   */
  read(def: Stored, fetched: number, newest: boolean, stored: boolean): Counters {
    let known = this.#known.get(def);
    if (!known) {
      known = { cache: undefined, store: undefined, newest: undefined };
      this.#known.set(def, known);
    }
    const { group, plural } = def;
    const counters = stored
      ? (known.store ??= {
          total: this.#store.total.with(group, plural),
          fetched: this.#store.fetched.with(group, plural),
          returned: this.#store.returned.with(group, plural),
        })
      : (known.cache ??= {
          total: this.#cache.total.with(group, plural, ""),
          fetched: this.#cache.fetched.with(group, plural, ""),
          returned: this.#cache.returned.with(group, plural),
        });
    counters.total.add();
    counters.fetched.add(fetched);
    if (newest && !stored) (known.newest ??= this.#newest.with(group, plural, "true", "false")).add();
    return counters;
  }
}
