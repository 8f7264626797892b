/** JSON Merge Patch, RFC 7386, like Kubernetes (evanphx/json-patch v4), and its creation. */
import { deepClone, deepEqual, isObject, setMember, sortMembers } from "../deep.ts";
import { cloneExact, copyAllWritten, copyWritten } from "../exact-json.ts";

/**
 * Returns the patched value; the arguments are not changed. Nulls in lists are kept, those in objects within lists are removed,
 * unless the list replaces an object. `sorted`: patched objects get sorted members, as in Kubernetes.
 */
export function applyMergePatch<T>(document: T, patch: unknown, sorted = false): T {
  return merge(document, patch, sorted) as T;
}

function merge(document: unknown, patch: unknown, sorted: boolean): unknown {
  if (!isObject(document)) return withoutNulls(patch, sorted);
  if (!isObject(patch)) return cloneExact(patch);
  const result: Record<string, unknown> = { ...document };
  copyAllWritten(document, result);
  for (const name of Object.keys(patch)) {
    const value = patch[name];
    if (value === null) delete result[name];
    else {
      setMember(result, name, merge(Object.hasOwn(result, name) ? result[name] : undefined, value, sorted));
      if (typeof value === "number") copyWritten(patch, name, result);
    }
  }
  return sorted ? sortMembers(result) : result;
}

function withoutNulls(value: unknown, sorted: boolean): unknown {
  if (value === null || typeof value !== "object") return value;
  const result = (Array.isArray(value) ? [] : {}) as Record<string, unknown>;
  for (const [name, each] of Object.entries(value)) {
    if (each === null && !Array.isArray(value)) continue;
    setMember(result, name, withoutNulls(each, sorted));
    if (typeof each === "number") copyWritten(value, name, result);
  }
  if (Array.isArray(value)) return result;
  return sorted ? sortMembers(result) : result;
}

/** The patch that turns `from` into `to`; `{}` when they are equal. */
export function createMergePatch(from: object, to: object): Record<string, unknown> {
  return difference(from as Record<string, unknown>, to as Record<string, unknown>, true, true);
}

/**
 * The patch for `current` from a client that last applied `original` and now wants `modified`: its own removals, and all
 * differences from what it wants. Other members stay.
 */
export function createThreeWayMergePatch(
  original: object,
  modified: object,
  current: object,
): Record<string, unknown> {
  const removals = difference(
    original as Record<string, unknown>,
    modified as Record<string, unknown>,
    false,
    true,
  );
  const changes = difference(
    current as Record<string, unknown>,
    modified as Record<string, unknown>,
    true,
    false,
  );
  return combine(removals, changes, current as Record<string, unknown>);
}

function difference(
  from: Record<string, unknown>,
  to: Record<string, unknown>,
  changes: boolean,
  removals: boolean,
): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const name of Object.keys(to)) {
    const value = to[name];
    if (value === undefined) continue;
    const before = Object.hasOwn(from, name) ? from[name] : undefined;
    if (isObject(value) && isObject(before)) {
      const inner = difference(before, value, changes, removals);
      if (Object.keys(inner).length > 0) setMember(patch, name, inner);
    } else if (changes && !deepEqual(before, value)) setMember(patch, name, deepClone(value));
  }
  if (removals) {
    for (const name of Object.keys(from)) {
      if (from[name] !== undefined && to[name] === undefined) setMember(patch, name, null);
    }
  }
  return patch;
}

/** Omits removals of missing members. */
function combine(
  removals: Record<string, unknown>,
  changes: Record<string, unknown>,
  current: Record<string, unknown>,
): Record<string, unknown> {
  const patch: Record<string, unknown> = { ...changes };
  for (const name of Object.keys(removals)) {
    if (!Object.hasOwn(current, name)) continue;
    const removed = removals[name];
    const here = current[name];
    if (removed === null) setMember(patch, name, null);
    else if (isObject(removed) && isObject(here)) {
      const inner = combine(removed, isObject(patch[name]) ? patch[name] : {}, here);
      if (Object.keys(inner).length > 0) setMember(patch, name, inner);
    }
  }
  return patch;
}
