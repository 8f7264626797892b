/** Merges an applied configuration into a live object, and removes fields from an object. Neither changes its arguments. */
import { setMember } from "../deep.ts";
import { type FieldSet, isEmptySet } from "./field-set.ts";
import { itemsBySteps, itemStep } from "./list-items.ts";
import { stepOf } from "./present-set.ts";
import { formOf, isMembers, type ListShape, type MapShape, type Members, type Shape } from "./shape.ts";

/** The live object merged with the configuration. */
export function merge(shape: Shape, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  if (live === undefined || live === null) return config;
  if (config === null) return outlivesNull(shape, live) ? live : null;
  const form = formOf(shape, config);
  if (form === "map" && isMembers(config) && isMembers(live)) {
    const map = shape.map as MapShape;
    return map.atomic ? config : mergeMaps(map, live, config);
  }
  if (form === "list" && Array.isArray(config) && Array.isArray(live)) {
    const list = shape.list as ListShape;
    return list.relation === "atomic" ? config : mergeLists(list, live, config);
  }
  return config;
}

/** For a map or list that is not atomic, null is like an empty value. */
function outlivesNull(shape: Shape, live: unknown): boolean {
  if (isMembers(live)) return shape.map?.atomic === false && Object.keys(live).length > 0;
  return (
    Array.isArray(live) &&
    live.length > 0 &&
    !shape.map &&
    shape.list !== undefined &&
    shape.list.relation !== "atomic"
  );
}

function mergeMaps(map: MapShape, live: Members, config: Members): Members {
  const merged: Record<string, unknown> = { ...live };
  for (const name of Object.keys(config)) {
    const shape = map.field(name)?.shape ?? map.element;
    const former = Object.hasOwn(live, name) ? live[name] : undefined;
    const value = shape ? merge(shape, former, config[name]) : config[name];
    setMember(merged, name, value);
  }
  return merged;
}

/**
 * Live items keep their order, and so do the configuration's. Items in both take the configuration's order; items only in the
 * live list stay before the one that followed them.
 */
function mergeLists(list: ListShape, live: readonly unknown[], config: readonly unknown[]): unknown[] {
  const liveSteps = live.map((item) => itemStep(list, item));
  const liveItems = itemsBySteps(list, live);
  const configItems = itemsBySteps(list, config);
  /** Path elements in both, in the configuration's order, still to be placed. */
  const shared = [...configItems.keys()].filter((step) => liveItems.has(step));
  const merged: unknown[] = [];
  let at = 0;
  for (const [step, [wanted]] of configItems) {
    // Items only in the live list come first; shared ones that the configuration has elsewhere are skipped.
    while (at < live.length) {
      const next = liveSteps[at] as string;
      if (!configItems.has(next)) merged.push(live[at]);
      else if (next === step || next === shared[0]) break;
      at++;
    }
    const present = liveItems.get(step);
    merged.push(present?.length === 1 ? merge(list.element, present[0], wanted) : wanted);
    if (liveSteps[at] === step) at++;
    if (shared[0] === step) shared.shift();
  }
  for (; at < live.length; at++) if (!configItems.has(liveSteps[at] as string)) merged.push(live[at]);
  return merged;
}

/**
 * The value without the set's members and everything below them; undefined when a map or list is empty then. Nested values that
 * become empty stay as null.
 */
export function removeFields(shape: Shape, value: unknown, set: FieldSet): unknown {
  if (isEmptySet(set)) return value;
  const form = formOf(shape, value);
  if (form === "map" && isMembers(value)) {
    const map = shape.map as MapShape;
    if (map.atomic) return value;
    const kept: Record<string, unknown> = {};
    for (const name of Object.keys(value)) {
      const field = map.field(name);
      const inner = field?.shape ?? map.element ?? shape;
      const left = remaining(inner, value[name], set[field?.step ?? `f:${name}`]);
      if (left !== undefined) setMember(kept, name, left);
    }
    return Object.keys(kept).length > 0 ? kept : undefined;
  }
  if (form === "list" && Array.isArray(value)) {
    const list = shape.list as ListShape;
    if (list.relation === "atomic") return value;
    const kept = value.flatMap((item) => {
      const step = stepOf(list, item);
      const left = step === undefined ? item : remaining(list.element, item, set[step]);
      return left === undefined ? [] : [left];
    });
    return kept.length > 0 ? kept : undefined;
  }
  return value;
}

/** Undefined when it is removed. */
function remaining(shape: Shape, value: unknown, node: FieldSet | undefined): unknown {
  if (!node) return value;
  return "." in node || isEmptySet(node) ? undefined : (removeFields(shape, value, node) ?? null);
}
