/** Elements of merged lists: finding them, and where they go. */
import { deepEqual, isObject } from "../deep.ts";

/** What identifies an element: the merge key's value, or the element itself when it is no object. */
export function identity(element: unknown, mergeKey: string | undefined): unknown {
  return mergeKey !== undefined && isObject(element) ? element[mergeKey] : element;
}

/** Finds elements by what identifies them; the first of several counts. Long lists come from strangers, hence a map. */
export class ElementIndex {
  readonly #list: readonly unknown[];
  readonly #mergeKey: string | undefined;
  readonly #plain = new Map<unknown, number>();
  /** Places of elements that are identified by an object or list. */
  readonly #others: number[] = [];

  constructor(list: readonly unknown[], mergeKey: string | undefined) {
    this.#list = list;
    this.#mergeKey = mergeKey;
    for (const [i, element] of list.entries()) this.add(i, element);
  }

  /** Tells of an element that came to the list at `place`. */
  add(place: number, element: unknown): void {
    const key = identity(element, this.#mergeKey);
    if (key !== null && typeof key === "object") this.#others.push(place);
    else if (!this.#plain.has(key)) this.#plain.set(key, place);
  }

  /** Its place, or -1. */
  find(key: unknown): number {
    if (key === null || typeof key !== "object") return this.#plain.get(key) ?? -1;
    return this.#others.find((place) => deepEqual(identity(this.#list[place], this.#mergeKey), key)) ?? -1;
  }

  placeOf(element: unknown): number {
    return this.find(identity(element, this.#mergeKey));
  }
}

/**
 * `merged` holds what the result has. Elements named in `wanted` keep that order; the others keep the order they have on
 * the server and stand before the first wanted element that the server has after them.
 */
export function orderElements(
  merged: readonly unknown[],
  wanted: readonly unknown[],
  server: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const inWanted = new ElementIndex(wanted, mergeKey);
  const onServer = new ElementIndex(server, mergeKey);
  const placed = merged.map((element) => ({
    element,
    wanted: inWanted.placeOf(element),
    server: onServer.placeOf(element),
  }));
  const mine = placed.filter((each) => each.wanted >= 0).sort((a, b) => a.wanted - b.wanted);
  const others = placed.filter((each) => each.wanted < 0).sort((a, b) => a.server - b.server);
  const result: unknown[] = [];
  let next = 0;
  for (const each of mine) {
    while (next < others.length && each.server >= 0) {
      const other = others[next] as (typeof others)[number];
      if (other.server < 0 || other.server >= each.server) break;
      result.push(other.element);
      next++;
    }
    result.push(each.element);
  }
  for (const each of others.slice(next)) result.push(each.element);
  return result;
}
