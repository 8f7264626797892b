import type { Taken } from "./taken.ts";

/** A range of numbers with one owner each; overlapping ranges share `taken`. */
export class Pool {
  readonly #from: number;
  readonly #size: number;
  /** Numbers below this offset are taken last by dynamic allocation, in favour of static one (KEP-3070). */
  readonly #reserved: number;
  readonly #random: () => number;
  readonly #taken: Taken;

  constructor(from: number, size: number, reserved: number, random: () => number, taken: Taken) {
    this.#from = from;
    this.#size = size;
    this.#reserved = Math.min(reserved, size - 1);
    this.#random = random;
    this.#taken = taken;
  }

  /** Numbers taken, and in all. */
  get state(): { taken: number; size: number } {
    return { taken: this.#taken.count((number) => this.contains(number)), size: this.#size };
  }

  contains(number: number): boolean {
    return number >= this.#from && number < this.#from + this.#size;
  }

  /** Any free number, held for the owner; undefined when there is none. */
  take(owner: string, write: object): number | undefined {
    const upper = this.#size - this.#reserved;
    const number =
      this.#search(this.#from + this.#reserved, upper) ?? this.#search(this.#from, this.#reserved);
    if (number !== undefined) this.#taken.hold(number, owner, write);
    return number;
  }

  #search(from: number, size: number): number | undefined {
    const start = Math.floor(this.#random() * size);
    for (let i = 0; i < size; i++) {
      const number = from + ((start + i) % size);
      if (!this.#taken.has(number)) return number;
    }
    return undefined;
  }
}
