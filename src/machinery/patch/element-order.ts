/** Elements of merged lists: lookup and order. */
import { deepEqual, isObject } from "../deep.ts";

/** The identity of an element: its merge key's value, or the element itself when it is not an object. */
export function identity(element: unknown, mergeKey: string | undefined): unknown {
  return mergeKey !== undefined && isObject(element) ? element[mergeKey] : element;
}

/** Looks up elements by identity; the first of several counts. A map, since clients may send long lists. */
export class ElementIndex {
  readonly #list: readonly unknown[];
  readonly #mergeKey: string | undefined;
  readonly #plain = new Map<unknown, number>();
  /** Indexes of elements whose identity is an object or list. */
  readonly #others: number[] = [];

  constructor(list: readonly unknown[], mergeKey: string | undefined) {
    this.#list = list;
    this.#mergeKey = mergeKey;
    for (const [i, element] of list.entries()) this.add(i, element);
  }

  /** Adds an element at the index `place`. */
  add(place: number, element: unknown): void {
    const key = identity(element, this.#mergeKey);
    if (key !== null && typeof key === "object") this.#others.push(place);
    else if (!this.#plain.has(key)) this.#plain.set(key, place);
  }

  /** Its index, or -1. */
  find(key: unknown): number {
    if (key === null || typeof key !== "object") return this.#plain.get(key) ?? -1;
    return this.#others.find((place) => deepEqual(identity(this.#list[place], this.#mergeKey), key)) ?? -1;
  }

  placeOf(element: unknown): number {
    return this.find(identity(element, this.#mergeKey));
  }
}

/**
 * `merged` has the elements of the result. Elements in `wanted` take that order; the others keep the server's order, before the
 * first wanted element that follows them there.
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
