/** Comparing, copying and looking inside plain JSON values. */

/** Equal as JSON: a member that is undefined counts as absent. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  let count = 0;
  for (const name in left) {
    if (left[name] === undefined) continue;
    count++;
    if (!deepEqual(left[name], right[name])) return false;
  }
  for (const name in right) if (right[name] !== undefined) count--;
  return count === 0;
}

/** The indexes of repeated texts or numbers in a list, found in one pass. */
export function repeatsIn(list: readonly unknown[]): ReadonlySet<number> {
  const seen = new Set<unknown>();
  const again = new Set<number>();
  for (const [i, each] of list.entries()) {
    if (seen.has(each)) again.add(i);
    else seen.add(each);
  }
  return again;
}

/** A copy that shares nothing; faster than structuredClone for JSON values. */
export function deepClone<T>(value: T): T {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    for (let i = 0; i < value.length; i++) copy.push(deepClone(value[i]));
    return copy as T;
  }
  const out: Record<string, unknown> = {};
  for (const name in value) {
    const item = value[name] as unknown;
    const own = typeof item === "object" ? deepClone(item) : item;
    if (name === "__proto__") setMember(out, name, own);
    else out[name] = own;
  }
  const names = (value as Marked)[emptied];
  if (names) {
    (out as Marked)[emptied] = names;
    notes++;
  }
  return out as T;
}

/**
 * The key under which an object remembers members that were given as empty lists or maps and dropped: equal to absent, except in
 * messages. Preserved by spread and deepClone, invisible in JSON.
 */
const emptied = Symbol("emptied");

interface Marked {
  [emptied]?: readonly string[];
}

let notes = 0;

/** Grows with each note, and with each that deepClone copies: as it was before, nothing made in between has new ones. */
export const emptiedNotes = (): number => notes;

export function noteEmptied(object: object, name: string): void {
  const marked = object as Marked;
  notes++;
  marked[emptied] = [...(marked[emptied] ?? []), name];
}

/** True when the member was given as an empty list or map. */
export const wasEmptied = (object: object | undefined, name: string): boolean =>
  (object as Marked | undefined)?.[emptied]?.includes(name) ?? false;

/** Members that were given as empty lists or maps. */
export const emptiedMembers = (object: object): readonly string[] => (object as Marked)[emptied] ?? [];

/** True when it, or anything in it, has such members. */
export function holdsEmptied(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return emptiedMembers(value).length > 0 || Object.values(value).some(holdsEmptied);
}

/** Clears them in the value and everything in it. */
export function forgetEmptied(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (emptied in value) delete (value as Marked)[emptied];
  for (const each of Object.values(value)) forgetEmptied(each);
}

/** Sets an own member, also one called `__proto__`, which plain assignment would not. */
export function setMember(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__") {
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  } else target[name] = value;
}

/** Sorts the members alphabetically, in place. */
export function sortMembers(target: Record<string, unknown>): Record<string, unknown> {
  for (const name of Object.keys(target).sort()) {
    const value = target[name];
    delete target[name];
    setMember(target, name, value);
  }
  return target;
}

/** The value at a dotted path of members (`spec.replicas`), undefined when anything on the way is missing. */
export function get(value: unknown, path: string): unknown {
  let current = value;
  for (const name of path.split(".")) {
    if (name === "") continue;
    if (current === null || typeof current !== "object" || !Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
