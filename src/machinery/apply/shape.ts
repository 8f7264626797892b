/**
 * The structure of a type for ownership: which maps and lists are atomic, and how the items of other lists are identified. Values
 * of open types may have several forms.
 */
import { setMember } from "../deep.ts";

export interface Shape {
  readonly scalar?: "numeric" | "string" | "boolean" | "untyped";
  readonly list?: ListShape;
  readonly map?: MapShape;
}

export interface ListShape {
  readonly relation: "atomic" | "set" | "map";
  /** For `map`. */
  readonly keys: readonly string[];
  readonly element: Shape;
}

export interface MapShape {
  readonly atomic: boolean;
  /** It has declared fields. */
  readonly struct?: boolean;
  /** A struct's declared fields. */
  field(name: string): FieldShape | undefined;
  /** Fields that are always present, since Go always writes them. */
  readonly implied: readonly FieldShape[];
  /** The shape of undeclared fields; undefined when they are not allowed. */
  readonly element?: Shape | undefined;
}

export interface FieldShape {
  readonly name: string;
  /** Its path element: `f:name` */
  readonly step: string;
  /** The path element as JSON. */
  readonly quoted: string;
  /** Its index among the struct's fields, sorted by name. */
  readonly rank: number;
  readonly shape: Shape;
  /** Go's value of the absent field; undefined when it is omitted. */
  readonly implied?: unknown;
  /** omitempty in Go. */
  readonly omitsEmpty: boolean;
  /** For a key of a list. */
  readonly fallback?: unknown;
}

/** Any value, owned as a whole. */
export const untypedShape: Shape = {
  scalar: "untyped",
  list: {
    relation: "atomic",
    keys: [],
    get element() {
      return untypedShape;
    },
  },
  map: {
    atomic: true,
    field: () => undefined,
    implied: [],
    get element() {
      return untypedShape;
    },
  },
};

/** Any value, field by field, with atomic lists: objects without a schema. */
export const deducedShape: Shape = {
  scalar: "untyped",
  list: { relation: "atomic", keys: [], element: untypedShape },
  map: {
    atomic: false,
    field: () => undefined,
    implied: [],
    get element() {
      return deducedShape;
    },
  },
};

export type Members = Readonly<Record<string, unknown>>;

export const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ForeignValue);

/** A value without an equivalent in JSON, which no schema accepts; only expressions make such values. */
export class ForeignValue {
  /** As shown by Go's %T, %v and %#v. */
  readonly type: string;
  readonly text: string;
  readonly syntax: string;
  /** Its value as plain JSON. */
  readonly json: unknown;

  constructor(type: string, text: string, syntax: string, json: unknown) {
    this.type = type;
    this.text = text;
    this.syntax = syntax;
    this.json = json;
  }
}

export type Form = "scalar" | "list" | "map";

/** The form of a shape for a value; the first one when none fits (null, or an error). */
export function formOf(shape: Shape, value: unknown): Form {
  if (Array.isArray(value)) {
    if (shape.list) return "list";
  } else if (isMembers(value)) {
    if (shape.map) return "map";
  } else if (value !== null && value !== undefined && shape.scalar) return "scalar";
  return shape.map ? "map" : shape.scalar ? "scalar" : "list";
}

/** A struct's field in Go: empty omitempty fields are absent, others are present. */
export function shown(field: FieldShape, value: unknown): unknown {
  if (value === undefined || value === null) return field.implied;
  if (!field.omitsEmpty) return value;
  if (value === "" || value === 0 || value === false) return undefined;
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value;
  for (const _ in value) return value;
  return undefined;
}

/** A whole value in Go. */
export function asShown(shape: Shape, value: unknown): unknown {
  if (Array.isArray(value)) {
    const element = shape.list?.element;
    return element ? value.map((each) => asShown(element, each)) : value;
  }
  const { map } = shape;
  if (!map || !isMembers(value)) return value;
  const made: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(value)) {
    const field = map.field(name);
    const kept = field ? shown(field, each) : each;
    const inner = field?.shape ?? map.element;
    if (kept !== undefined) setMember(made, name, inner ? asShown(inner, kept) : kept);
  }
  for (const field of map.implied)
    if (!(field.name in value)) made[field.name] = asShown(field.shape, field.implied);
  return made;
}

/** An item's keys do not identify it. */
export class UnkeyedItem extends Error {}
