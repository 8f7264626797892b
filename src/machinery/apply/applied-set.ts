/** The fields of an applied configuration, and its type errors. */
import { goType } from "../go-format.ts";
import { type FieldSet, leaf, nodeOf } from "./field-set.ts";
import { itemStep } from "./list-items.ts";
import { elementText } from "./path-element.ts";
import {
  ForeignValue,
  formOf,
  isMembers,
  type ListShape,
  type MapShape,
  type Shape,
  UnkeyedItem,
} from "./shape.ts";

/** Type errors of an applied configuration: one line per error, e.g. `.spec.x: field not declared in schema`. */
export class TypedError extends Error {}

/**
 * The fields of a configuration: scalars and atomic values, list items and map entries, and empty objects. Throws `TypedError`.
 */
export function appliedSet(shape: Shape, value: unknown): FieldSet {
  const problems: string[] = [];
  const set = nodeAt(shape, value, false, "", problems) ?? leaf;
  if (problems.length === 0) return set;
  problems.sort();
  const [only] = problems;
  throw new TypedError(
    problems.length === 1 ? (only as string) : `errors:${problems.map((each) => `\n  ${each}`).join("")}`,
  );
}

function nodeAt(
  shape: Shape,
  value: unknown,
  member: boolean,
  path: string,
  problems: string[],
): FieldSet | undefined {
  const form = formOf(shape, value);
  if (form === "map") {
    const map = shape.map as MapShape;
    if (value !== null && !isMembers(value)) problems.push(`${path}: expected map, got ${plainText(value)}`);
    if (!isMembers(value)) return map.atomic || member ? leaf : undefined;
    const node = mapNode(map, value, member, path, problems);
    return map.atomic ? leaf : node;
  }
  if (form === "list") {
    const list = shape.list as ListShape;
    if (value !== null && !Array.isArray(value))
      problems.push(`${path}: expected list, got ${plainText(value)}`);
    if (!Array.isArray(value)) return list.relation === "atomic" || member ? leaf : undefined;
    if (list.relation === "atomic") {
      value.forEach((item, i) => nodeAt(list.element, item, true, `${path}[${i}]`, problems));
      return leaf;
    }
    return listNode(list, value, member, path, problems);
  }
  checkScalar(shape, value, path, problems);
  return leaf;
}

function mapNode(
  map: MapShape,
  value: Readonly<Record<string, unknown>>,
  member: boolean,
  path: string,
  problems: string[],
): FieldSet | undefined {
  const children: [string, FieldSet][] = [];
  for (const name in value) {
    const field = map.field(name);
    const shape = field?.shape ?? map.element;
    const here = `${path}.${name}`;
    if (!shape) {
      // Errors in its siblings are not reported.
      problems.push(`${here}: field not declared in schema`);
      break;
    }
    const child = value[name];
    // A map's entry is a field itself; a struct's field only through its content.
    const own = !field || child === null || (isMembers(child) && Object.keys(child).length === 0);
    const node = nodeAt(shape, child, own, here, problems);
    if (node) children.push([field?.step ?? `f:${name}`, node]);
  }
  return nodeOf(member, children);
}

function listNode(
  list: ListShape,
  value: readonly unknown[],
  member: boolean,
  path: string,
  problems: string[],
): FieldSet | undefined {
  const children = new Map<string, FieldSet>();
  for (const [index, item] of value.entries()) {
    let step: string;
    try {
      step = itemStep(list, item);
    } catch (error) {
      if (!(error instanceof UnkeyedItem)) throw error;
      problems.push(`${path}: element ${index}: ${error.message}`);
      // Later ones are not reported.
      break;
    }
    const text = elementText(step);
    if (children.has(step)) problems.push(`${path}: duplicate entries for key ${text}`);
    children.set(step, nodeAt(list.element, item, true, `${path}${text}`, problems) ?? leaf);
  }
  return nodeOf(member, [...children]);
}

function checkScalar(shape: Shape, value: unknown, path: string, problems: string[]): void {
  if (value === null) return;
  const type = typeof value;
  const numeric = type === "number" || type === "bigint";
  switch (shape.scalar) {
    case "numeric":
      if (!numeric) problems.push(`${path}: expected numeric (int or float), got ${goTypeOf(value)}`);
      break;
    case "boolean":
      if (type !== "boolean") problems.push(`${path}: expected boolean, got ${plainText(value)}`);
      break;
    case "string":
      if (type !== "string")
        problems.push(`${path}: expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
      break;
    default:
      if (!numeric && type !== "boolean" && type !== "string")
        problems.push(`${path}: expected any scalar, got ${plainText(value)}`);
  }
}

/** The Go type (%T) of a decoded value. */
function goTypeOf(value: unknown): string {
  return value instanceof ForeignValue ? value.type : goType(value);
}

/** A value in its wrapper as printed by Go's %v. */
const plainText = (value: unknown): string => `&{${goText(value)}}`;

function goText(value: unknown): string {
  if (value === null) return "<nil>";
  if (value instanceof ForeignValue) return value.text;
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (!isMembers(value)) return String(value);
  const members = Object.keys(value).sort();
  return `map[${members.map((name) => `${name}:${goText(value[name])}`).join(" ")}]`;
}

/** Decoded JSON as printed by Go's %#v. */
function goSyntax(value: unknown): string {
  if (value === null) return "interface {}(nil)";
  if (value instanceof ForeignValue) return value.syntax;
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(", ")}}`;
  if (isMembers(value)) {
    const members = Object.keys(value)
      .sort()
      .map((name) => `${JSON.stringify(name)}:${goSyntax(value[name])}`);
    return `map[string]interface {}{${members.join(", ")}}`;
  }
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

/** Paths of the atomic maps, lists and structs in a value: a merge replaces them as a whole. */
export function atomicPaths(shape: Shape, value: unknown, path = ""): string[] {
  const found: string[] = [];
  if (isMembers(value) && shape.map) {
    if (shape.map.atomic) found.push(path);
    // Values of maps are not inspected.
    for (const [name, each] of Object.entries(value)) {
      const field = shape.map.field(name);
      if (field) found.push(...atomicPaths(field.shape, each, `${path}.${name}`));
    }
  }
  if (Array.isArray(value) && shape.list) {
    const { relation, element } = shape.list;
    if (relation === "atomic") found.push(path);
    value.forEach((each, i) => found.push(...atomicPaths(element, each, `${path}[${i}]`)));
  }
  return found;
}

/**
 * Adds every struct field above a member: when everything below a field is removed, so is the field. Entries of maps and items of
 * lists are not added.
 */
export function withNamedFields(shape: Shape, set: FieldSet): FieldSet {
  const children: [string, FieldSet][] = [];
  for (const step in set) {
    if (step === ".") continue;
    const child = set[step] as FieldSet;
    const name = step.startsWith("f:") ? step.slice(2) : undefined;
    const field = name === undefined ? undefined : shape.map?.field(name);
    const inner = field?.shape ?? (name === undefined ? shape.list?.element : shape.map?.element) ?? shape;
    let empty = true;
    for (const _ in child) {
      empty = false;
      break;
    }
    if (empty) children.push([step, leaf]);
    else {
      const below = withNamedFields(inner, child);
      children.push([step, field ? { ".": leaf, ...below } : "." in child ? { ".": leaf, ...below } : below]);
    }
  }
  return nodeOf(false, children) ?? leaf;
}
