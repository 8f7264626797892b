/**
 * Owners of numbers. They follow from the stored objects, so that they are as durable as these and correct after a restart; only
 * numbers of pending writes are remembered here besides.
 */
export class Taken {
  readonly #owners = new Map<number, Set<string>>();
  readonly #pending = new Map<number, { owner: string; writes: Set<object> }>();

  has(number: number): boolean {
    return this.#owners.has(number) || this.#pending.has(number);
  }

  /** Number of them in stored objects. */
  count(isMeant: (number: number) => boolean): number {
    let count = 0;
    for (const number of this.#owners.keys()) if (isMeant(number)) count++;
    return count;
  }

  /** Adds a number of a stored object. */
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

  /** True when no other owner has it. */
  isFree(number: number, owner: string): boolean {
    const pending = this.#pending.get(number);
    if (pending !== undefined && pending.owner !== owner) return false;
    const owners = this.#owners.get(number);
    return !owners || (owners.size === 1 && owners.has(owner));
  }

  /** Holds it for the owner until the write ends; several writes may be pending. */
  hold(number: number, owner: string, write: object): void {
    const pending = this.#pending.get(number);
    if (pending?.owner === owner) pending.writes.add(write);
    else this.#pending.set(number, { owner, writes: new Set([write]) });
  }

  /** The write has ended. */
  letGo(write: object): void {
    for (const [number, { writes }] of this.#pending) {
      if (writes.delete(write) && writes.size === 0) this.#pending.delete(number);
    }
  }
}
