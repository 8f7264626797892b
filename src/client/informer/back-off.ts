/** Delays that double from `initialMs` to `maxMs`, with a jitter of up to half. */
export class BackOff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #nextMs: number;

  constructor(initialMs: number, maxMs: number, random: () => number) {
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
    this.#random = random;
    this.#nextMs = initialMs;
  }

  next(): number {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, this.#maxMs);
    return ms * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#nextMs = this.#initialMs;
  }
}
