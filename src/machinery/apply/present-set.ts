/** Which fields a live object has, as `appliedSet` would tell of a configuration; mistakes in it are passed over. */
import { type FieldSet, leaf, nodeOf } from "./field-set.ts";
import { itemStep } from "./list-items.ts";
import { formOf, isMembers, type ListShape, type MapShape, type Shape, UnkeyedItem } from "./shape.ts";

/**
 * Its scalars and atomic parts, list items and map entries, and objects with nothing in them. Lists of own items that are
 * empty, and structs with nothing but such, are not among them.
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
    // Items that cannot be told apart are one field together.
    children.set(step, children.has(step) ? leaf : (nodeAt(list.element, item, true) ?? leaf));
  }
  return nodeOf(member, [...children]);
}

/** Undefined for an item that nothing tells apart. */
export function stepOf(list: ListShape, item: unknown): string | undefined {
  try {
    return itemStep(list, item);
  } catch (error) {
    if (error instanceof UnkeyedItem) return undefined;
    throw error;
  }
}
