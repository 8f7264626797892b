import { Counter, Gauge, Histogram } from "./values.ts";

/** Stability level of a metric's name and labels. */
export type Stability = "STABLE" | "BETA" | "ALPHA" | "INTERNAL" | "";

export interface FamilyOptions {
  name: string;
  help: string;
  stability: Stability;
  labels?: readonly string[];
}

export type Value = Counter | Gauge | Histogram;
export type FamilyType = "counter" | "gauge" | "histogram";

/** One series with its labels as formats need them. */
export interface Series<V extends Value = Value> {
  /** Sorted by name, as text: `a="1",b="2"`. */
  readonly labels: string;
  /** The same, unescaped. */
  readonly pairs: readonly (readonly [name: string, value: string])[];
  readonly value: V;
  /** Creation time: milliseconds since the epoch. */
  created: number;
}

/** All series of one metric. */
export class Family<V extends Value = Value> {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly stability: Stability;
  readonly #labels: readonly string[];
  /** Indexes of the labels in alphabetical order. */
  readonly #order: readonly number[];
  readonly #make: () => V;
  readonly #now: () => number;
  readonly #series = new Map<string, Series<V>>();

  /** `now`: milliseconds since the epoch; called once per series. */
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

  /** Number of series. */
  get size(): number {
    return this.#series.size;
  }

  /** The series with these values, in the order of the labels. Callers on hot paths keep it. */
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

  /** Drops all series: for values that are set anew at each collection. */
  clear(): void {
    this.#series.clear();
  }

  /** Resets to zero, except gauges. */
  reset(): void {
    const created = this.#now();
    for (const series of this.#series.values()) {
      series.value.reset();
      series.created = created;
    }
  }

  /** Sorted by labels, for output. */
  sorted(): Series<V>[] {
    return [...this.#series.values()].sort((a, b) => (a.labels < b.labels ? -1 : 1));
  }
}

/** Escapes a label value of the text format. */
export const escaped = (value: string): string =>
  /[\\\n"]/.test(value)
    ? value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')
    : value;
