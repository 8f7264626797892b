/**
 * Things that come and go all the time, each in a numbered place that is used again. A Map or Set would do, but makes a new table
 * every so often, and the former one, once it is old, keeps alive whatever was in it until all of the heap is collected.
 */
export class Slots<T> implements Iterable<T> {
  readonly #things: (T | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#things.length - this.#free.length;
  }

  /** Returns the place. */
  add(thing: T): number {
    const place = this.#free.pop() ?? this.#things.length;
    this.#things[place] = thing;
    return place;
  }

  /** Frees a place and returns what was there; undefined when it was free. */
  take(place: number): T | undefined {
    const thing = this.#things[place];
    if (thing === undefined) return undefined;
    this.#things[place] = undefined;
    this.#free.push(place);
    return thing;
  }

  /** Frees all places. */
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
