/** Lays an applied configuration over a live object, and takes fields out of one. Neither changes what it is given. */
import { setMember } from "../deep.ts";
import { type FieldSet, isEmptySet } from "./field-set.ts";
import { itemsBySteps, itemStep } from "./list-items.ts";
import { stepOf } from "./present-set.ts";
import { formOf, isMembers, type ListShape, type MapShape, type Members, type Shape } from "./shape.ts";

/** The live object with everything that the configuration says. */
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

/** A null says of a map or list of its own fields what an empty one says: nothing of what is in it. */
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
    const value = shape ? merge(shape, live[name], config[name]) : config[name];
    setMember(merged, name, value);
  }
  return merged;
}

/**
 * Items of the live list stay in their order, items of the configuration come in theirs. An item that is in both stands
 * where the configuration's order has it; items that only the live list has stay before the one that followed them.
 */
function mergeLists(list: ListShape, live: readonly unknown[], config: readonly unknown[]): unknown[] {
  const liveSteps = live.map((item) => itemStep(list, item));
  const liveItems = itemsBySteps(list, live);
  const configItems = itemsBySteps(list, config);
  /** Steps that are in both, in the configuration's order: those still to come. */
  const shared = [...configItems.keys()].filter((step) => liveItems.has(step));
  const merged: unknown[] = [];
  let at = 0;
  for (const [step, [wanted]] of configItems) {
    // What only the live list has goes first; shared items that the configuration has elsewhere are passed over.
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
 * The value without the set's members and what is below them; undefined when nothing is left of a map or list. Inside, what
 * is emptied stays as null: it is there, and nothing is in it.
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

/** Undefined for what goes. */
function remaining(shape: Shape, value: unknown, node: FieldSet | undefined): unknown {
  if (!node) return value;
  return "." in node || isEmptySet(node) ? undefined : (removeFields(shape, value, node) ?? null);
}
