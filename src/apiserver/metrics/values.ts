/** What is measured: the objects that the hot path holds on to and changes. */

/** Seconds: what Prometheus' clients take where nothing else is said. */
export const defaultBounds: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Only goes up. */
export class Counter {
  value = 0;

  add(by = 1): void {
    this.value += by;
  }

  reset(): void {
    this.value = 0;
  }
}

/** Goes up and down. It says what is, so that a reset leaves it. */
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

/** Observations by size. `bounds` ascend; a last bucket takes what is above all of them. */
export class Histogram {
  readonly bounds: readonly number[];
  /** One more than bounds; each observation is counted once. */
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
 * A value that is observed at the end of every nanosecond, as Kubernetes' flow control has it: each bucket holds how long
 * (in nanoseconds) the value was there. The caller says when time has passed.
 */
export class TimingHistogram extends Histogram {
  #value = 0;
  #bucket = 0;

  constructor(bounds: readonly number[]) {
    super(bounds);
    this.#bucket = bucketOf(bounds, 0);
  }

  /** The value held for this long. */
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

/** `count` bounds, each `factor` times the one before. */
export const exponentialBounds = (from: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from * factor ** i);
