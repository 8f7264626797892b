/**
 * A collection with a high turnover, each item in a numbered, reusable slot. A Map or Set would allocate a new table from time to
 * time, and the old one keeps its former content alive until a full collection.
 */
export class Slots<T> implements Iterable<T> {
  readonly #things: (T | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#things.length - this.#free.length;
  }

  /** Returns the slot. */
  add(thing: T): number {
    const place = this.#free.pop() ?? this.#things.length;
    this.#things[place] = thing;
    return place;
  }

  /** Frees a slot and returns its content; undefined when it was free. */
  take(place: number): T | undefined {
    const thing = this.#things[place];
    if (thing === undefined) return undefined;
    this.#things[place] = undefined;
    this.#free.push(place);
    return thing;
  }

  /** Frees all slots. */
  drain(): T[] {
    const things = [...this];
    this.#things.length = 0;
    this.#free.length = 0;
    return things;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const thing of this.#things) if (thing !== undefined) yield thing;
  }
}
