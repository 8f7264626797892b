import { Counter, Gauge, Histogram } from "./values.ts";

/** How far Kubernetes stands by a metric's name and labels. */
export type Stability = "STABLE" | "BETA" | "ALPHA" | "INTERNAL" | "";

export interface FamilyOptions {
  name: string;
  help: string;
  stability: Stability;
  labels?: readonly string[];
}

export type Value = Counter | Gauge | Histogram;
export type FamilyType = "counter" | "gauge" | "histogram";

/** One series, as formats write it. */
export interface Series<V extends Value = Value> {
  /** In alphabetical order, as text: `a="1",b="2"`. */
  readonly labels: string;
  /** The same, not escaped. */
  readonly pairs: readonly (readonly [name: string, value: string])[];
  readonly value: V;
  /** Since when it counts: milliseconds since the epoch. */
  created: number;
}

/** All series of one name. */
export class Family<V extends Value = Value> {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly stability: Stability;
  readonly #labels: readonly string[];
  /** Places of the labels in alphabetical order, in which they are written. */
  readonly #order: readonly number[];
  readonly #make: () => V;
  readonly #now: () => number;
  readonly #series = new Map<string, Series<V>>();

  /** `now`: milliseconds since the epoch; asked once per series. */
  constructor(
    { name, help, stability, labels = [] }: FamilyOptions,
    type: FamilyType,
    make: () => V,
    now: () => number,
  ) {
    this.name = name;
    this.help = stability === "" ? help : `[${stability}] ${help}`;
    this.stability = stability;
    this.type = type;
    this.#labels = labels;
    this.#order = labels
      .map((_, i) => i)
      .sort((a, b) => ((labels[a] as string) < (labels[b] as string) ? -1 : 1));
    this.#make = make;
    this.#now = now;
    if (labels.length === 0) this.with();
  }

  /** Series there are. */
  get size(): number {
    return this.#series.size;
  }

  /** The series with these values, in the order of the labels. Callers on a hot path keep it. */
  with(...values: readonly string[]): V {
    const key = values.length === 1 ? (values[0] as string) : values.join("\0");
    let series = this.#series.get(key);
    if (!series) {
      const pairs = this.#order.map((i) => [this.#labels[i] as string, values[i] ?? ""] as const);
      const labels = pairs.map(([name, value]) => `${name}="${escaped(value)}"`).join(",");
      series = { labels, pairs, value: this.#make(), created: this.#now() };
      this.#series.set(key, series);
    }
    return series.value;
  }

  remove(...values: readonly string[]): void {
    this.#series.delete(values.join("\0"));
  }

  /** Forgets every series: for values that are read anew whenever somebody asks. */
  clear(): void {
    this.#series.clear();
  }

  /** Zero again; gauges stay as they are. */
  reset(): void {
    const created = this.#now();
    for (const series of this.#series.values()) {
      series.value.reset();
      series.created = created;
    }
  }

  /** As they are written: by their labels. */
  sorted(): Series<V>[] {
    return [...this.#series.values()].sort((a, b) => (a.labels < b.labels ? -1 : 1));
  }
}

/** As text formats have it within quotes. */
export const escaped = (value: string): string =>
  /[\\\n"]/.test(value)
    ? value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')
    : value;
