/** Identifies items of lists that are not atomic. */
import { keyElement, oneKeyElement, valueElement } from "./path-element.ts";
import { isMembers, type ListShape, UnkeyedItem } from "./shape.ts";

/** The path element of an item. Throws `UnkeyedItem`. */
export function itemStep(list: ListShape, item: unknown): string {
  return list.relation === "map" ? keyedStep(list, item) : setStep(item);
}

function keyedStep(list: ListShape, item: unknown): string {
  if (item === null || item === undefined) {
    throw new UnkeyedItem("associative list with keys may not have a null element");
  }
  if (!isMembers(item)) throw new UnkeyedItem("associative list with keys may not have non-map elements");
  const valueOf = (name: string): unknown =>
    Object.hasOwn(item, name) && item[name] !== undefined
      ? item[name]
      : list.element.map?.field(name)?.fallback;
  if (list.keys.length === 1) {
    const name = list.keys[0] as string;
    const value = valueOf(name);
    if (value !== undefined) return oneKeyElement(name, value);
  }
  const pairs: [string, unknown][] = [];
  for (const name of list.keys) {
    const value = valueOf(name);
    if (value !== undefined) pairs.push([name, value]);
  }
  if (pairs.length === 0) {
    const keys = list.keys.map((key) => JSON.stringify(key)).join(" ");
    throw new UnkeyedItem(
      `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`,
    );
  }
  return keyElement(pairs);
}

function setStep(item: unknown): string {
  if (Array.isArray(item)) {
    throw new UnkeyedItem("not supported: associative list with lists as elements");
  }
  if (item === null || item === undefined) {
    throw new UnkeyedItem("associative list without keys has an element that's an explicit null");
  }
  if (typeof item === "object") {
    throw new UnkeyedItem("associative list without keys has an element that's a map type");
  }
  return valueElement(item);
}

/** The path element of the item at an index. Throws `UnkeyedItem` with the index. */
function stepAt(list: ListShape, item: unknown, index: number): string {
  try {
    return itemStep(list, item);
  } catch (error) {
    if (error instanceof UnkeyedItem) throw new UnkeyedItem(`element ${index}: ${error.message}`);
    throw error;
  }
}

/** The path element of the only item of a list. Throws `UnkeyedItem`. */
export const onlyStep = (list: ListShape, item: unknown): string => stepAt(list, item, 0);

/** Items by path element, in order; several for a duplicate one. */
export function itemsBySteps(list: ListShape, items: readonly unknown[]): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>();
  for (let i = 0; i < items.length; i++) {
    const step = stepAt(list, items[i], i);
    const same = found.get(step);
    if (same) same.push(items[i]);
    else found.set(step, [items[i]]);
  }
  return found;
}
