/**
 * How values of a type are taken apart when fields have owners: which maps and lists are one field as a whole (atomic),
 * and by what the items of the other lists are told apart. A value may be of several forms where its type is open.
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
  /** A struct's fields. */
  field(name: string): FieldShape | undefined;
  /** Fields that are there even when nobody wrote them: Go writes them always. */
  readonly implied: readonly FieldShape[];
  /** What values under other names are; undefined when there may be none. */
  readonly element?: Shape | undefined;
}

export interface FieldShape {
  readonly name: string;
  /** `f:name` */
  readonly step: string;
  /** The step as JSON. */
  readonly quoted: string;
  /** Its place among the fields of its struct, in the order of their names. */
  readonly rank: number;
  readonly shape: Shape;
  /** What the field holds when it is absent, as Go shows it; undefined when it is then left out. */
  readonly implied?: unknown;
  /** Go leaves the field out when it is empty. */
  readonly omitsEmpty: boolean;
  /** For a key of a list. */
  readonly fallback?: unknown;
}

/** Anything, owned as a whole. */
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

/** Anything, member by member, lists as a whole: objects without a schema. */
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

/** A value of a type that JSON has none of, which no schema takes; only programs make such. */
export class ForeignValue {
  /** As Go's %T, %v and %#v show it. */
  readonly type: string;
  readonly text: string;
  readonly syntax: string;
  /** What it is where nobody asks for a type. */
  readonly json: unknown;

  constructor(type: string, text: string, syntax: string, json: unknown) {
    this.type = type;
    this.text = text;
    this.syntax = syntax;
    this.json = json;
  }
}

export type Form = "scalar" | "list" | "map";

/** Which of its forms a shape takes for a value; a value that fits none (null, or a mistake) takes the first there is. */
export function formOf(shape: Shape, value: unknown): Form {
  if (Array.isArray(value)) {
    if (shape.list) return "list";
  } else if (isMembers(value)) {
    if (shape.map) return "map";
  } else if (value !== null && value !== undefined && shape.scalar) return "scalar";
  return shape.map ? "map" : shape.scalar ? "scalar" : "list";
}

/**
 * A struct's field as Go shows it: what is empty and left out when empty is absent, what is always written is there.
 */
export function shown(field: FieldShape, value: unknown): unknown {
  if (value === undefined || value === null) return field.implied;
  if (!field.omitsEmpty) return value;
  if (value === "" || value === 0 || value === false) return undefined;
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value;
  for (const _ in value) return value;
  return undefined;
}

/** A whole value as Go shows it. */
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

/** What stands in a key or set item's place cannot tell it apart from others. */
export class UnkeyedItem extends Error {}
