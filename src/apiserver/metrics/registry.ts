/** Metrics in Prometheus' formats. Subjects define their own; this is their common registry. */
import { Family, type FamilyOptions } from "./family.ts";
import { textOfFamilies } from "./text-format.ts";
import { Counter, Gauge, Histogram, TimingHistogram } from "./values.ts";

export class MetricsRegistry {
  readonly #families = new Map<string, Family>();
  readonly #refreshers = new Set<() => void | Promise<void>>();

  readonly #now: () => number;

  /** `now`: milliseconds since the epoch, for creation times. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  counter(options: FamilyOptions): Family<Counter> {
    return this.#add(new Family(options, "counter", () => new Counter(), this.#now));
  }

  gauge(options: FamilyOptions): Family<Gauge> {
    return this.#add(new Family(options, "gauge", () => new Gauge(), this.#now));
  }

  histogram(options: FamilyOptions & { bounds: readonly number[] }): Family<Histogram> {
    return this.#add(new Family(options, "histogram", () => new Histogram(options.bounds), this.#now));
  }

  timingHistogram(options: FamilyOptions & { bounds: readonly number[] }): Family<TimingHistogram> {
    const help = `[${options.stability}] ${options.help}`;
    const marked: FamilyOptions = { ...options, help: `EXPERIMENTAL: ${help}`, stability: "" };
    return this.#add(new Family(marked, "histogram", () => new TimingHistogram(options.bounds), this.#now));
  }

  /** `refresh` brings up to date what is not kept while requests are served; it runs before anything is read, until what is given back is called. */
  beforeReading(refresh: () => void | Promise<void>): () => void {
    this.#refreshers.add(refresh);
    return () => void this.#refreshers.delete(refresh);
  }

  /** By name, refreshed. */
  async families(): Promise<Family[]> {
    for (const refresh of this.#refreshers) {
      const pending = refresh();
      if (pending) await pending;
    }
    return [...this.#families.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async text(): Promise<string> {
    return textOfFamilies(await this.families());
  }

  /** Number of metrics by stability level, if they have one. */
  byStability(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { stability } of this.#families.values())
      if (stability !== "") counts.set(stability, (counts.get(stability) ?? 0) + 1);
    return counts;
  }

  /** Resets all metrics. */
  reset(): void {
    for (const family of this.#families.values()) family.reset();
  }

  #add<V extends Counter | Gauge | Histogram>(family: Family<V>): Family<V> {
    if (this.#families.has(family.name)) throw new Error(`metric ${family.name} is defined twice`);
    this.#families.set(family.name, family as unknown as Family);
    return family;
  }
}
