/** Which fields an applied configuration speaks of, and what of it does not fit its type. */
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

/** What is wrong with an applied configuration: one line per mistake, e.g. `.spec.x: field not declared in schema`. */
export class TypedError extends Error {}

/**
 * The fields a configuration names: its scalars and atomic parts, its list items and map entries, and objects that it
 * names without saying more of them. Throws `TypedError`.
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
      // Nothing more is said of what stands beside it.
      problems.push(`${here}: field not declared in schema`);
      break;
    }
    const child = value[name];
    // An entry of a map is a field of its own; a struct's field is one only through what stands in it.
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
      // Nothing is said of those behind it.
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

/** The name of the type that Go's decoder gives a value (%T). */
function goTypeOf(value: unknown): string {
  return value instanceof ForeignValue ? value.type : goType(value);
}

/** As Go's %v prints a value in its wrapping. */
const plainText = (value: unknown): string => `&{${goText(value)}}`;

function goText(value: unknown): string {
  if (value === null) return "<nil>";
  if (value instanceof ForeignValue) return value.text;
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (!isMembers(value)) return String(value);
  const members = Object.keys(value).sort();
  return `map[${members.map((name) => `${name}:${goText(value[name])}`).join(" ")}]`;
}

/** As Go's %#v prints decoded JSON. */
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

/**
 * Paths of the maps, lists and structs in a value that are one field as a whole: whoever lays a part of one over another
 * takes away the rest.
 */
export function atomicPaths(shape: Shape, value: unknown, path = ""): string[] {
  const found: string[] = [];
  if (isMembers(value) && shape.map) {
    if (shape.map.atomic) found.push(path);
    // What stands in maps that are no structs is not looked at.
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
 * The set with every struct field on the way to a member as a member too: when what is below a field goes, the field
 * goes with it. Entries of maps and items of lists stay as they are.
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
