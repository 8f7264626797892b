import { goFloat } from "./go-float.ts";
import { Counter, Gauge, Histogram } from "./values.ts";

/** How far Kubernetes stands by a metric's name and labels. */
export type Stability = "STABLE" | "BETA" | "ALPHA" | "";

export interface FamilyOptions {
  name: string;
  help: string;
  stability: Stability;
  labels?: readonly string[];
}

type Value = Counter | Gauge | Histogram;

/** All series of one name. */
export class Family<V extends Value> {
  readonly name: string;
  readonly #help: string;
  readonly #type: string;
  readonly #labels: readonly string[];
  /** Places of the labels in alphabetical order, in which they are written. */
  readonly #order: readonly number[];
  readonly #make: () => V;
  readonly #series = new Map<string, { labels: string; value: V }>();

  constructor({ name, help, stability, labels = [] }: FamilyOptions, type: string, make: () => V) {
    this.name = name;
    this.#help = stability === "" ? help : `[${stability}] ${help}`;
    this.#type = type;
    this.#labels = labels;
    this.#order = labels
      .map((_, i) => i)
      .sort((a, b) => ((labels[a] as string) < (labels[b] as string) ? -1 : 1));
    this.#make = make;
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
      const pairs = this.#order.map((i) => `${this.#labels[i]}="${escaped(values[i] ?? "")}"`);
      series = { labels: pairs.join(","), value: this.#make() };
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
    for (const { value } of this.#series.values()) value.reset();
  }

  write(lines: string[]): void {
    if (this.#series.size === 0) return;
    lines.push(`# HELP ${this.name} ${this.#help}`, `# TYPE ${this.name} ${this.#type}`);
    const sorted = [...this.#series.values()].sort((a, b) => (a.labels < b.labels ? -1 : 1));
    for (const { labels, value } of sorted) {
      if (value instanceof Histogram) this.#writeHistogram(lines, labels, value);
      else lines.push(`${this.name}${labels === "" ? "" : `{${labels}}`} ${goFloat(value.value)}`);
    }
  }

  #writeHistogram(lines: string[], labels: string, { bounds, counts, sum }: Histogram): void {
    const before = labels === "" ? "" : `${labels},`;
    const around = labels === "" ? "" : `{${labels}}`;
    let total = 0;
    for (let i = 0; i < counts.length; i++) {
      total += counts[i] as number;
      const bound = i < bounds.length ? goFloat(bounds[i] as number) : "+Inf";
      lines.push(`${this.name}_bucket{${before}le="${bound}"} ${goFloat(total)}`);
    }
    lines.push(`${this.name}_sum${around} ${goFloat(sum)}`, `${this.name}_count${around} ${goFloat(total)}`);
  }
}

const escaped = (value: string): string =>
  /[\\\n"]/.test(value)
    ? value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')
    : value;
