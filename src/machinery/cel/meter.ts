import { CelCostError } from "./errors.ts";

/** Cost limit of one evaluation (apiserver celconfig.PerCallLimit). */
export const perCallLimit = 1_000_000;

/** Counts the cost of an evaluation: a unit per access and call, a tenth per character read or created. */
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
