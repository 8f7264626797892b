/**
 * Which numbers are taken, and by whom. That follows from the stored objects, so that it is as durable as they are and
 * repairs itself at start; only what a write under way takes is remembered here besides.
 */
export class Taken {
  readonly #owners = new Map<number, Set<string>>();
  readonly #pending = new Map<number, { owner: string; writes: Set<object> }>();

  has(number: number): boolean {
    return this.#owners.has(number) || this.#pending.has(number);
  }

  /** How many of these stored objects have. */
  count(isMeant: (number: number) => boolean): number {
    let count = 0;
    for (const number of this.#owners.keys()) if (isMeant(number)) count++;
    return count;
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
}
