/** Where the elements of a merged list go: the patch's own order first, what only the server has in between. */
import { deepEqual, isObject } from "../deep.ts";

/** What identifies an element: the merge key's value, or the element itself when it is no object. */
export function identity(element: unknown, mergeKey: string | undefined): unknown {
  return mergeKey !== undefined && isObject(element) ? element[mergeKey] : element;
}

export function findElement(list: readonly unknown[], wanted: unknown, mergeKey: string | undefined): number {
  return list.findIndex((each) => deepEqual(identity(each, mergeKey), wanted));
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
  const place = (list: readonly unknown[], element: unknown): number =>
    findElement(list, identity(element, mergeKey), mergeKey);
  const mine = merged.filter((each) => place(wanted, each) >= 0);
  const others = merged.filter((each) => place(wanted, each) < 0);
  mine.sort((a, b) => place(wanted, a) - place(wanted, b));
  others.sort((a, b) => place(server, a) - place(server, b));
  const result: unknown[] = [];
  let next = 0;
  for (const element of mine) {
    const here = place(server, element);
    while (next < others.length && here >= 0) {
      const there = place(server, others[next]);
      if (there < 0 || there >= here) break;
      result.push(others[next++]);
    }
    result.push(element);
  }
  result.push(...others.slice(next));
  return result;
}
