/** Sets by key, without empty sets. */
export class Multimap<K, V> {
  readonly #sets = new Map<K, Set<V>>();

  /** How many keys have values. */
  get size(): number {
    return this.#sets.size;
  }

  add(key: K, value: V): void {
    const set = this.#sets.get(key);
    if (set) set.add(value);
    else this.#sets.set(key, new Set([value]));
  }

  delete(key: K, value: V): void {
    const set = this.#sets.get(key);
    if (set?.delete(value) && set.size === 0) this.#sets.delete(key);
  }

  get(key: K): ReadonlySet<V> {
    return this.#sets.get(key) ?? none;
  }
}

const none: ReadonlySet<never> = new Set();
