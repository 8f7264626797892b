/**
 * Adds fields that Go always writes: empty structs, and zeros without omitempty. Clients see them in every answer of Kubernetes.
 * Works in place; present values stay.
 */
import { noteEmptied } from "../machinery/index.ts";
import type { Parts } from "./definition.ts";
import { type FieldSchema, typeOf, type TypeSchema } from "./schema.ts";

interface Written {
  name: string;
  field: FieldSchema;
  /** Written as null when absent. */
  isNull: boolean;
}

interface Plan {
  /** Fields that are always written. */
  always: readonly Written[];
  /** Fields that hold objects with such fields further down. */
  below: readonly { name: string; field: FieldSchema; type: TypeSchema }[];
}

const plans = new WeakMap<TypeSchema, Plan>();
function planOf(type: TypeSchema): Plan {
  const known = plans.get(type);
  if (known) return known;
  const always: Written[] = [];
  const below: { name: string; field: FieldSchema; type: TypeSchema }[] = [];
  for (const [name, field] of type.fields) {
    // An object's own identity is the server's business, a reference's is not.
    if (
      type.fields.has("kind") &&
      type.fields.has("metadata") &&
      ["metadata", "apiVersion", "kind"].includes(name)
    )
      continue;
    if (field.written) always.push({ name, field, isNull: zero(field) === null });
    const inner = innermost(field);
    if (inner) below.push({ name, field, type: inner });
  }
  const plan = { always, below };
  plans.set(type, plan);
  return plan;
}

function isEmptyList(field: FieldSchema, value: unknown): boolean {
  if (field.type === "list") return Array.isArray(value) && value.length === 0;
  if (field.type !== "map" || typeof value !== "object" || value === null) return false;
  for (const _ in value) return false;
  return true;
}

function innermost(field: FieldSchema): TypeSchema | undefined {
  let at: FieldSchema | undefined = field;
  while (at?.element) at = at.element;
  return at && typeOf(at);
}

/** What Go writes for an absent field. */
export function zero(field: FieldSchema): unknown {
  if (field.pointer) return null;
  switch (field.type) {
    case "ref":
      return {};
    case "string":
      return "";
    case "boolean":
      return false;
    case "int32":
    case "int64":
    case "double":
    case "int-or-string":
      return 0;
    case "quantity":
      return "0";
    default:
      return null;
  }
}

/**
 * `nulls`: also adds fields that are written as null; validation works without them. `same`: parts shared with the stored object,
 * which are complete and without nulls. True when anything was added.
 */
export function fillWritten(
  type: TypeSchema,
  object: Record<string, unknown>,
  nulls = true,
  same?: Parts,
): boolean {
  const { always, below } = planOf(type);
  let filled = false;
  for (const { name, field, isNull } of always) {
    const value = object[name];
    if (value === undefined) {
      if (!nulls && isNull) continue;
      object[name] = zero(field);
      filled = true;
    } else if (value === null && !nulls) {
      delete object[name];
      filled = true;
    } else if (isEmptyList(field, value)) {
      // What is stored does not tell an empty list from none; messages do.
      noteEmptied(object, name);
      if (nulls) object[name] = null;
      else delete object[name];
      filled = true;
    }
  }
  for (const { name, field, type: inner } of below) {
    const value = object[name];
    if (value === undefined || value === null || (same && value === same[name])) continue;
    if (fillValue(field, inner, value, nulls)) filled = true;
  }
  return filled;
}

function fillValue(field: FieldSchema, type: TypeSchema, value: unknown, nulls: boolean): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (field.type === "ref") return fillWritten(type, value as Record<string, unknown>, nulls);
  const element = field.element as FieldSchema;
  let filled = false;
  if (field.type === "list") {
    if (!Array.isArray(value)) return false;
    for (const each of value) if (fillValue(element, type, each, nulls)) filled = true;
  } else if (field.type === "map") {
    for (const each of Object.values(value)) if (fillValue(element, type, each, nulls)) filled = true;
  }
  return filled;
}

/** Parts of stored objects without nulls. */
const withNone = new WeakSet<object>();

/**
 * A stored object, whose parts are immutable, without the fields that are written as null: the object itself if it has none.
 */
export function withoutNulls<T extends object>(type: TypeSchema, object: T): T {
  return bareObject(type, object, withNone);
}

/** `clean`: remembers parts without nulls. */
function bareObject<T extends object>(type: TypeSchema, object: T, clean?: WeakSet<object>): T {
  const { always, below } = planOf(type);
  const from = object as Record<string, unknown>;
  let made: Record<string, unknown> | undefined;
  for (const { name, isNull } of always) {
    if (isNull && from[name] === null) delete (made ??= { ...from })[name];
  }
  for (const { name, field, type: inner } of below) {
    const value = from[name];
    if (typeof value !== "object" || value === null || clean?.has(value)) continue;
    const bare = bareValue(field, inner, value);
    if (bare !== value) (made ??= { ...from })[name] = bare;
    else clean?.add(value);
  }
  return (made as T | undefined) ?? object;
}

function bareValue(field: FieldSchema, type: TypeSchema, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (field.type === "ref") return bareObject(type, value);
  if (!field.element) return value;
  const inner = field.element;
  if (Array.isArray(value)) {
    let made: unknown[] | undefined;
    for (let i = 0; i < value.length; i++) {
      const bare = bareValue(inner, type, value[i]);
      if (bare !== value[i]) (made ??= value.slice())[i] = bare;
    }
    return made ?? value;
  }
  const from = value as Record<string, unknown>;
  let made: Record<string, unknown> | undefined;
  for (const name in from) {
    const bare = bareValue(inner, type, from[name]);
    if (bare !== from[name]) (made ??= { ...from })[name] = bare;
  }
  return made ?? value;
}
