/** Creates strategic merge patches, like `kubectl apply`: from the last applied, the wanted and the current state. */
import { deepClone, deepEqual, isObject, setMember } from "../deep.ts";
import { ElementIndex, identity } from "./element-order.ts";
import {
  deletePrimitives,
  directive,
  elementOrder,
  noSchema,
  type PatchSchema,
  retainKeys,
} from "./patch-schema.ts";

type Members = Record<string, unknown>;

interface Wanted {
  changes: boolean;
  removals: boolean;
}

/**
 * The patch for `current` from a client that last applied `original` and now wants `modified`. Fields and list elements that it
 * never applied stay; those it no longer applies are removed.
 */
export function createThreeWayStrategicPatch(
  original: object,
  modified: object,
  current: object,
  schema: PatchSchema,
): Members {
  const changes = differenceOf(current as Members, modified as Members, schema, {
    changes: true,
    removals: false,
  });
  const removals = differenceOf(original as Members, modified as Members, schema, {
    changes: false,
    removals: true,
  });
  return present(combine(removals, changes, schema), current as Members, schema) as Members;
}

function differenceOf(
  from: Members,
  to: Members,
  schema: PatchSchema,
  wanted: Wanted,
  retain = false,
): Members {
  const patch: Members = {};
  for (const name of Object.keys(to)) {
    const value = to[name];
    if (value === undefined) continue;
    const before = Object.hasOwn(from, name) ? from[name] : undefined;
    const field = schema.field(name);
    const strategies = field?.strategies ?? [];
    const inner = field?.schema ?? noSchema;
    if (isObject(value) && isObject(before) && !strategies.includes("replace")) {
      const found = differenceOf(before, value, inner, wanted, strategies.includes("retainKeys"));
      if (Object.keys(found).length > 0) setMember(patch, name, found);
    } else if (Array.isArray(value) && Array.isArray(before) && strategies.includes("merge")) {
      differenceOfLists(patch, name, before, value, field?.mergeKey, inner, wanted);
    } else if (wanted.changes && !deepEqual(before, value)) setMember(patch, name, deepClone(value));
  }
  const gone = Object.keys(from).filter((name) => from[name] !== undefined && to[name] === undefined);
  if (wanted.removals) for (const name of gone) setMember(patch, name, null);
  if (retain && Object.keys(to).length > 0 && (Object.keys(patch).length > 0 || gone.length > 0)) {
    patch[retainKeys] = Object.keys(to).sort();
  }
  return patch;
}

function differenceOfLists(
  patch: Members,
  name: string,
  before: readonly unknown[],
  value: readonly unknown[],
  mergeKey: string | undefined,
  inner: PatchSchema,
  wanted: Wanted,
): void {
  if (mergeKey === undefined) {
    const has = (list: readonly unknown[], each: unknown): boolean =>
      list.some((one) => deepEqual(one, each));
    const added = wanted.changes ? value.filter((each) => !has(before, each)) : [];
    const removed = wanted.removals ? before.filter((each) => !has(value, each)) : [];
    if (added.length > 0) setMember(patch, name, added);
    if (removed.length > 0) patch[`${deletePrimitives}${name}`] = removed;
    if (added.length > 0 || removed.length > 0 || orderDiffers(before, value, undefined)) {
      patch[`${elementOrder}${name}`] = deepClone(value);
    }
    return;
  }
  const list: unknown[] = [];
  const had = new ElementIndex(before, mergeKey);
  const has = new ElementIndex(value, mergeKey);
  for (const element of value) {
    const key = identity(element, mergeKey);
    const old = before[had.find(key)];
    if (isObject(old) && isObject(element)) {
      const found = differenceOf(old, element, inner, wanted);
      if (Object.keys(found).length > 0) list.push({ ...found, [mergeKey]: key });
    } else if (wanted.changes) list.push(deepClone(element));
  }
  if (wanted.removals) {
    for (const element of before) {
      const key = identity(element, mergeKey);
      if (has.find(key) < 0) list.push({ [directive]: "delete", [mergeKey]: key });
    }
  }
  if (list.length > 0) setMember(patch, name, list);
  if (list.length > 0 || (wanted.changes && orderDiffers(before, value, mergeKey))) {
    patch[`${elementOrder}${name}`] = value.map((element) => ({ [mergeKey]: identity(element, mergeKey) }));
  }
}

/** Whether common elements are in another order. */
function orderDiffers(
  before: readonly unknown[],
  value: readonly unknown[],
  mergeKey: string | undefined,
): boolean {
  const index = new ElementIndex(before, mergeKey);
  const places = value.map((element) => index.placeOf(element)).filter((place) => place >= 0);
  return places.some((place, i) => i > 0 && place < (places[i - 1] as number));
}

/** Merges removals and changes; changes win. */
function combine(removals: Members, changes: Members, schema: PatchSchema): Members {
  const patch: Members = { ...removals };
  for (const name of Object.keys(changes)) {
    const change = changes[name];
    const removal = removals[name];
    const field = schema.field(name);
    if (isObject(change) && isObject(removal))
      setMember(patch, name, combine(removal, change, field?.schema ?? noSchema));
    else if (Array.isArray(change) && Array.isArray(removal) && field?.mergeKey !== undefined) {
      setMember(patch, name, combineLists(removal, change, field.mergeKey, field.schema ?? noSchema));
    } else setMember(patch, name, change);
  }
  return patch;
}

function combineLists(
  removals: readonly unknown[],
  changes: readonly unknown[],
  mergeKey: string,
  inner: PatchSchema,
): unknown[] {
  const list = [...changes];
  const index = new ElementIndex(changes, mergeKey);
  for (const removal of removals) {
    const at = index.placeOf(removal);
    const change = list[at];
    if (at >= 0 && isObject(change) && isObject(removal)) list[at] = combine(removal, change, inner);
    else list.push(removal);
  }
  return list;
}

/** Omits removals of missing members, so that an unchanged object gives an empty patch. */
function present(patch: Members, current: Members, schema: PatchSchema): Members {
  const result: Members = {};
  for (const name of Object.keys(patch)) {
    const value = patch[name];
    const here = Object.hasOwn(current, name) ? current[name] : undefined;
    const field = schema.field(name);
    if (value === null) {
      if (here !== undefined) setMember(result, name, null);
    } else if (isObject(value) && isObject(here)) {
      const inner = present(value, here, field?.schema ?? noSchema);
      const meaningful = Object.keys(inner).some((each) => each !== retainKeys) || retainsLess(inner, here);
      if (meaningful) setMember(result, name, inner);
    } else if (name.startsWith(deletePrimitives)) {
      const list = current[name.slice(deletePrimitives.length)];
      const index = new ElementIndex(Array.isArray(list) ? list : [], undefined);
      const left = (value as unknown[]).filter((each) => index.find(each) >= 0);
      if (left.length > 0) result[name] = left;
    } else if (Array.isArray(value) && Array.isArray(here) && field?.mergeKey !== undefined) {
      const list = presentElements(value, here, field.mergeKey, field.schema ?? noSchema);
      if (list.length > 0) setMember(result, name, list);
    } else setMember(result, name, value);
  }
  for (const name of Object.keys(result)) {
    if (!name.startsWith(elementOrder)) continue;
    const list = name.slice(elementOrder.length);
    const here = current[list];
    const changed = result[list] !== undefined || result[`${deletePrimitives}${list}`] !== undefined;
    const order = patch[name] as unknown[];
    if (!changed && !(Array.isArray(here) && orderDiffers(here, order, schema.field(list)?.mergeKey)))
      delete result[name];
  }
  return result;
}

function retainsLess(patch: Members, here: Members): boolean {
  const keep = patch[retainKeys];
  return Array.isArray(keep) && Object.keys(here).some((name) => !keep.includes(name));
}

function presentElements(
  list: readonly unknown[],
  here: readonly unknown[],
  mergeKey: string,
  inner: PatchSchema,
): unknown[] {
  const result: unknown[] = [];
  const index = new ElementIndex(here, mergeKey);
  for (const element of list) {
    const old = here[index.placeOf(element)];
    if (!isObject(element)) result.push(element);
    else if (element[directive] === "delete") {
      if (old !== undefined) result.push(element);
    } else if (isObject(old)) {
      const { [mergeKey]: key, ...rest } = element;
      const left = present(rest, old, inner);
      if (Object.keys(left).length > 0) result.push({ ...left, [mergeKey]: key });
    } else result.push(element);
  }
  return result;
}
