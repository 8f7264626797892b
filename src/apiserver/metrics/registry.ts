/** Metrics as Prometheus reads them. What belongs to a subject is defined beside it; here they come together. */
import { Family, type FamilyOptions } from "./family.ts";
import { Counter, Gauge, Histogram, TimingHistogram } from "./values.ts";

/** The format that Kubernetes answers with, whatever was asked for. */
export const metricsType = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

export class MetricsRegistry {
  readonly #families = new Map<string, Family<Counter | Gauge | Histogram>>();
  readonly #refreshers: (() => void | Promise<void>)[] = [];

  counter(options: FamilyOptions): Family<Counter> {
    return this.#add(new Family(options, "counter", () => new Counter()));
  }

  gauge(options: FamilyOptions): Family<Gauge> {
    return this.#add(new Family(options, "gauge", () => new Gauge()));
  }

  histogram(options: FamilyOptions & { bounds: readonly number[] }): Family<Histogram> {
    return this.#add(new Family(options, "histogram", () => new Histogram(options.bounds)));
  }

  timingHistogram(options: FamilyOptions & { bounds: readonly number[] }): Family<TimingHistogram> {
    const help = `[${options.stability}] ${options.help}`;
    const marked: FamilyOptions = { ...options, help: `EXPERIMENTAL: ${help}`, stability: "" };
    return this.#add(new Family(marked, "histogram", () => new TimingHistogram(options.bounds)));
  }

  /** `refresh` brings up to date what is not kept while requests are served; it runs before anything is read. */
  beforeReading(refresh: () => void | Promise<void>): void {
    this.#refreshers.push(refresh);
  }

  async text(): Promise<string> {
    for (const refresh of this.#refreshers) {
      const pending = refresh();
      if (pending) await pending;
    }
    const lines: string[] = [];
    for (const name of [...this.#families.keys()].sort()) this.#families.get(name)?.write(lines);
    return `${lines.join("\n")}\n`;
  }

  /** Counts from zero again. */
  reset(): void {
    for (const family of this.#families.values()) family.reset();
  }

  #add<V extends Counter | Gauge | Histogram>(family: Family<V>): Family<V> {
    if (this.#families.has(family.name)) throw new Error(`metric ${family.name} is defined twice`);
    this.#families.set(family.name, family as unknown as Family<Counter | Gauge | Histogram>);
    return family;
  }
}
