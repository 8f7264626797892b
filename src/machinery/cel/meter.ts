import { CelCostError } from "./errors.ts";

/** What one evaluation of an expression may cost (apiserver celconfig.PerCallLimit). */
export const perCallLimit = 1_000_000;

/** Counts the cost of an evaluation: a unit for each access and call, a tenth for each letter that is read or made. */
export class Meter {
  #left: number;
  #used = 0;

  constructor(limit: number = perCallLimit) {
    this.#left = limit;
  }

  get used(): number {
    return Math.ceil(this.#used);
  }

  step(cost = 1): void {
    this.#used += cost;
    this.#left -= cost;
    if (this.#left < 0) throw new CelCostError();
  }

  text(...texts: string[]): void {
    for (const text of texts) if (text.length > 9) this.step(text.length / 10);
  }
}
