/** The fields of a live object, like `appliedSet` for configurations; errors are skipped. */
import { type FieldSet, leaf, nodeOf } from "./field-set.ts";
import { itemStep } from "./list-items.ts";
import { formOf, isMembers, type ListShape, type MapShape, type Shape, UnkeyedItem } from "./shape.ts";

/**
 * Scalars and atomic values, list items and map entries, and empty objects. Not: empty lists that are not atomic, and structs
 * with nothing but these.
 */
export function presentSet(shape: Shape, object: unknown): FieldSet {
  return nodeAt(shape, object, false) ?? leaf;
}

function nodeAt(shape: Shape, value: unknown, member: boolean): FieldSet | undefined {
  switch (formOf(shape, value)) {
    case "map": {
      const map = shape.map as MapShape;
      if (map.atomic) return leaf;
      return isMembers(value) ? mapNode(map, value, member) : member ? leaf : undefined;
    }
    case "list": {
      const list = shape.list as ListShape;
      if (list.relation === "atomic") return leaf;
      return Array.isArray(value) ? listNode(list, value, member) : member ? leaf : undefined;
    }
    default:
      return leaf;
  }
}

function mapNode(
  map: MapShape,
  value: Readonly<Record<string, unknown>>,
  member: boolean,
): FieldSet | undefined {
  const children: [string, FieldSet][] = [];
  for (const name in value) {
    const field = map.field(name);
    const shape = field?.shape ?? map.element;
    if (!shape) continue;
    const child = value[name];
    const own = !field || child === null || (isMembers(child) && Object.keys(child).length === 0);
    const node = nodeAt(shape, child, own);
    if (node) children.push([field?.step ?? `f:${name}`, node]);
  }
  return nodeOf(member, children);
}

function listNode(list: ListShape, value: readonly unknown[], member: boolean): FieldSet | undefined {
  const children = new Map<string, FieldSet>();
  for (const item of value) {
    const step = stepOf(list, item);
    if (step === undefined) continue;
    // Duplicate items are one field together.
    children.set(step, children.has(step) ? leaf : (nodeAt(list.element, item, true) ?? leaf));
  }
  return nodeOf(member, [...children]);
}

/** Undefined for an item without keys. */
export function stepOf(list: ListShape, item: unknown): string | undefined {
  try {
    return itemStep(list, item);
  } catch (error) {
    if (error instanceof UnkeyedItem) return undefined;
    throw error;
  }
}
