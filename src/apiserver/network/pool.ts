/**
 * Numbers of which each has one owner. What is taken follows from the stored objects, so that it is as durable as they
 * are and repairs itself at start; only what a write under way takes is remembered here besides.
 */
export class Pool {
  readonly #from: number;
  readonly #size: number;
  /** Below this offset numbers are given only to who asks for them by name (KEP-3070). */
  readonly #reserved: number;
  readonly #random: () => number;
  readonly #owners = new Map<number, Set<string>>();
  readonly #pending = new Map<number, { owner: string; writes: Set<object> }>();

  constructor(from: number, size: number, reserved: number, random: () => number) {
    this.#from = from;
    this.#size = size;
    this.#reserved = Math.min(reserved, size - 1);
    this.#random = random;
  }

  /** How many are taken, and how many there are. */
  get state(): { taken: number; size: number } {
    return { taken: this.#owners.size, size: this.#size };
  }

  contains(number: number): boolean {
    return number >= this.#from && number < this.#from + this.#size;
  }

  /** Notes what a stored object has. */
  own(number: number, owner: string): void {
    const owners = this.#owners.get(number) ?? new Set();
    owners.add(owner);
    this.#owners.set(number, owners);
  }

  disown(number: number, owner: string): void {
    const owners = this.#owners.get(number);
    owners?.delete(owner);
    if (owners?.size === 0) this.#owners.delete(number);
  }

  /** True when nobody else has it. */
  isFree(number: number, owner: string): boolean {
    const pending = this.#pending.get(number);
    if (pending !== undefined && pending.owner !== owner) return false;
    const owners = this.#owners.get(number);
    return !owners || (owners.size === 1 && owners.has(owner));
  }

  /** Holds it for the owner until the write is over; there may be several under way. */
  hold(number: number, owner: string, write: object): void {
    const pending = this.#pending.get(number);
    if (pending?.owner === owner) pending.writes.add(write);
    else this.#pending.set(number, { owner, writes: new Set([write]) });
  }

  /** The write is over. */
  letGo(write: object): void {
    for (const [number, { writes }] of this.#pending) {
      if (writes.delete(write) && writes.size === 0) this.#pending.delete(number);
    }
  }

  /** Any free number, held for the owner; undefined when there is none. */
  take(owner: string, write: object): number | undefined {
    const upper = this.#size - this.#reserved;
    const number =
      this.#search(this.#from + this.#reserved, upper) ?? this.#search(this.#from, this.#reserved);
    if (number !== undefined) this.hold(number, owner, write);
    return number;
  }

  #search(from: number, size: number): number | undefined {
    const start = Math.floor(this.#random() * size);
    for (let i = 0; i < size; i++) {
      const number = from + ((start + i) % size);
      if (!this.#owners.has(number) && !this.#pending.has(number)) return number;
    }
    return undefined;
  }
}
