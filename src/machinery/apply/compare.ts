/** Compares objects field by field: the basis of ownership. */
import { deepEqual } from "../deep.ts";
import { type FieldSet, leaf, nodeOf, recursiveDifference, union } from "./field-set.ts";
import { itemsBySteps } from "./list-items.ts";
import {
  type Form,
  formOf,
  isMembers,
  type ListShape,
  type MapShape,
  type Members,
  type Shape,
  shown,
} from "./shape.ts";

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Nodes at one path; undefined where there is nothing. */
interface Diff {
  added?: FieldSet | undefined;
  modified?: FieldSet | undefined;
  removed?: FieldSet | undefined;
}

/**
 * Compares two objects of a type. Throws `UnkeyedItem` for duplicate list items. `typed`: as Go structs, in which unset structs
 * are present as `{}` and empty lists are absent.
 */
export function compare(shape: Shape, before: unknown, after: unknown, typed: boolean): Comparison {
  const diff = differ(shape, before, after, typed);
  return { added: diff?.added ?? leaf, modified: diff?.modified ?? leaf, removed: diff?.removed ?? leaf };
}

/** The same without the fields of a filter (reset fields). */
export function without(comparison: Comparison, fields: FieldSet | undefined): Comparison {
  if (!fields) return comparison;
  return {
    added: recursiveDifference(comparison.added, fields),
    modified: recursiveDifference(comparison.modified, fields),
    removed: recursiveDifference(comparison.removed, fields),
  };
}

/** Both are present; either may be null. */
function differ(shape: Shape, before: unknown, after: unknown, typed: boolean): Diff | undefined {
  if (before === after) return undefined;
  const was = formOf(shape, before);
  const is = formOf(shape, after);
  if (after === null) return differAs(was, shape, before, after, typed);
  if (before === null || was === is) return differAs(is, shape, before, after, typed);
  return joined(differAs(was, shape, before, after, typed), differAs(is, shape, before, after, typed));
}

/** An open type allows the form of a value to change: joins the results of both forms. */
function joined(a: Diff | undefined, b: Diff | undefined): Diff | undefined {
  if (!a || !b) return a ?? b;
  const both = (x: FieldSet | undefined, y: FieldSet | undefined) =>
    x && y ? union({ x }, { x: y }).x : (x ?? y);
  return {
    added: both(a.added, b.added),
    modified: both(a.modified, b.modified),
    removed: both(a.removed, b.removed),
  };
}

function differAs(
  form: Form,
  shape: Shape,
  before: unknown,
  after: unknown,
  typed: boolean,
): Diff | undefined {
  if (form === "map") {
    const map = shape.map as MapShape;
    if (!map.atomic && !(isEmptyMap(before) && isEmptyMap(after))) {
      return differMaps(map, isMembers(before) ? before : {}, isMembers(after) ? after : {}, typed);
    }
  } else if (form === "list") {
    const list = shape.list as ListShape;
    const left = Array.isArray(before) ? (before as unknown[]) : [];
    const right = Array.isArray(after) ? (after as unknown[]) : [];
    if (list.relation !== "atomic" && left.length + right.length > 0)
      return differLists(list, left, right, typed);
  }
  return equalValues(shape, before, after, typed) ? undefined : { modified: leaf };
}

function isEmptyMap(value: unknown): boolean {
  if (!isMembers(value)) return true;
  for (const _ in value) return false;
  return true;
}

class Parts {
  added: [string, FieldSet][] = [];
  modified: [string, FieldSet][] = [];
  removed: [string, FieldSet][] = [];

  take(step: string, diff: Diff | undefined): void {
    if (!diff) return;
    if (diff.added) this.added.push([step, diff.added]);
    if (diff.modified) this.modified.push([step, diff.modified]);
    if (diff.removed) this.removed.push([step, diff.removed]);
  }

  done(): Diff | undefined {
    const { added, modified, removed } = this;
    if (added.length + modified.length + removed.length === 0) return undefined;
    return {
      added: nodeOf(false, added),
      modified: nodeOf(false, modified),
      removed: nodeOf(false, removed),
    };
  }
}

function differMaps(map: MapShape, before: Members, after: Members, typed: boolean): Diff | undefined {
  const parts = new Parts();
  for (const name in after) {
    const field = map.field(name);
    let now = after[name];
    let was = Object.hasOwn(before, name) ? before[name] : undefined;
    if (now === was && !field?.implied) continue;
    if (field && typed) {
      now = shown(field, now);
      was = shown(field, was);
    }
    const shape = field?.shape ?? map.element;
    if (shape) parts.take(field?.step ?? `f:${name}`, differOptional(shape, was, now, typed));
  }
  for (const name in before) {
    if (Object.hasOwn(after, name)) continue;
    const field = map.field(name);
    let was = before[name];
    let now: unknown;
    if (field && typed) {
      was = shown(field, was);
      now = field.implied;
    }
    const shape = field?.shape ?? map.element;
    if (shape) parts.take(field?.step ?? `f:${name}`, differOptional(shape, was, now, typed));
  }
  return parts.done();
}

function differOptional(shape: Shape, before: unknown, after: unknown, typed: boolean): Diff | undefined {
  if (before === undefined) return after === undefined ? undefined : { added: wholeSet(shape, after, typed) };
  if (after === undefined) return { removed: wholeSet(shape, before, typed) };
  // Most values are equal, which is found faster without the shape.
  if (typeof after === "object" && deepEqual(before, after)) return undefined;
  return differ(shape, before, after, typed);
}

function differLists(
  list: ListShape,
  before: readonly unknown[],
  after: readonly unknown[],
  typed: boolean,
): Diff | undefined {
  const parts = new Parts();
  const left = itemsBySteps(list, before);
  const right = itemsBySteps(list, after);
  const visit = (step: string, was: readonly unknown[], now: readonly unknown[]) => {
    if (was.length <= 1 && now.length <= 1) {
      parts.take(step, differOptional(list.element, was[0], now[0], typed));
    } else if (was.length >= 2 && now.length >= 2) {
      // Duplicate items are one field together.
      if (!deepEqual(was, now)) parts.take(step, { modified: leaf });
    } else if (was.length >= 2) {
      parts.take(step, {
        removed: leaf,
        ...(now.length > 0 ? { added: wholeSet(list.element, now[0], typed) } : {}),
      });
    } else {
      parts.take(step, {
        added: leaf,
        ...(was.length > 0 ? { removed: wholeSet(list.element, was[0], typed) } : {}),
      });
    }
  };
  for (const [step, was] of left) visit(step, was, right.get(step) ?? []);
  for (const [step, now] of right) if (!left.has(step)) visit(step, [], now);
  return parts.done();
}

/** All fields of a value that was added or removed, itself included. */
function wholeSet(shape: Shape, value: unknown, typed: boolean): FieldSet {
  const form = formOf(shape, value);
  if (form === "map" && isMembers(value)) {
    const map = shape.map as MapShape;
    if (!map.atomic) return nodeOf(true, wholeMap(map, value, typed)) as FieldSet;
  } else if (form === "list" && Array.isArray(value)) {
    const list = shape.list as ListShape;
    if (list.relation !== "atomic") {
      const children: [string, FieldSet][] = [];
      for (const [step, items] of itemsBySteps(list, value)) {
        children.push([step, items.length > 1 ? leaf : wholeSet(list.element, items[0], typed)]);
      }
      return nodeOf(true, children) as FieldSet;
    }
  }
  return leaf;
}

function wholeMap(map: MapShape, value: Members, typed: boolean): [string, FieldSet][] {
  const children: [string, FieldSet][] = [];
  for (const name in value) {
    const field = map.field(name);
    const shape = field?.shape ?? map.element;
    if (!shape) continue;
    const seen = field && typed ? shown(field, value[name]) : value[name];
    if (seen !== undefined) children.push([field?.step ?? `f:${name}`, wholeSet(shape, seen, typed)]);
  }
  if (typed) {
    for (const field of map.implied) {
      if (!(field.name in value)) children.push([field.step, wholeSet(field.shape, field.implied, typed)]);
    }
  }
  return children;
}

/** Equal as shown in the API. */
export function equalValues(shape: Shape, a: unknown, b: unknown, typed: boolean): boolean {
  if (deepEqual(a, b)) return true;
  if (!typed) return false;
  if (Array.isArray(a) && Array.isArray(b)) {
    const element = shape.list?.element;
    return (
      !!element && a.length === b.length && a.every((item, i) => equalValues(element, item, b[i], typed))
    );
  }
  const { map } = shape;
  if (!map || !isMembers(a) || !isMembers(b)) return false;
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const field = map.field(name);
    const left = field ? shown(field, a[name]) : a[name];
    const right = field ? shown(field, b[name]) : b[name];
    if (!equalValues(field?.shape ?? map.element ?? shape, left, right, typed)) return false;
  }
  return true;
}
