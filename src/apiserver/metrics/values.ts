/** Values of metrics: objects that hot paths keep and update. */

/** Prometheus' default buckets, in seconds. */
export const defaultBounds: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A monotonic counter. */
export class Counter {
  value = 0;

  add(by = 1): void {
    this.value += by;
  }

  reset(): void {
    this.value = 0;
  }
}

/** A gauge: it has a current value, so a reset leaves it. */
export class Gauge {
  value = 0;

  add(by: number): void {
    this.value += by;
  }

  set(value: number): void {
    this.value = value;
  }

  reset(): void {}
}

/** A histogram. `bounds` ascend; the last bucket is unbounded. */
export class Histogram {
  readonly bounds: readonly number[];
  /** One more than bounds; not cumulative. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    this.counts[bucketOf(this.bounds, value)]! += 1;
    this.sum += value;
  }

  get count(): number {
    let total = 0;
    for (const each of this.counts) total += each;
    return total;
  }

  reset(): void {
    this.counts.fill(0);
    this.sum = 0;
  }
}

/**
 * A histogram of a value over time, as in Kubernetes' flow control: each bucket counts the nanoseconds that the value was in it.
 * The caller advances the time.
 */
export class TimingHistogram extends Histogram {
  #value = 0;
  #bucket = 0;

  constructor(bounds: readonly number[]) {
    super(bounds);
    this.#bucket = bucketOf(bounds, 0);
  }

  /** Advances the time with the current value. */
  passed(ms: number): void {
    const nanoseconds = Math.round(ms * 1e6);
    this.counts[this.#bucket]! += nanoseconds;
    this.sum += nanoseconds * this.#value;
  }

  set(value: number): void {
    if (value === this.#value) return;
    this.#value = value;
    this.#bucket = bucketOf(this.bounds, value);
  }
}

function bucketOf(bounds: readonly number[], value: number): number {
  let at = 0;
  while (at < bounds.length && value > (bounds[at] as number)) at++;
  return at;
}

/** `count` bounds with the ratio `factor`. */
export const exponentialBounds = (from: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from * factor ** i);
