/**
 * Go writes fields of structs that nobody gave: empty structs, and zeros that are not omitted. Clients see them in every
 * answer of Kubernetes, so they are here too. In place; what is there stays.
 */
import { noteEmptied } from "../machinery/index.ts";
import { type FieldSchema, typeOf, type TypeSchema } from "./schema.ts";

interface Plan {
  /** Fields that are always written. */
  always: readonly { name: string; field: FieldSchema; type: TypeSchema | undefined }[];
  /** Fields that hold objects with such fields further down. */
  below: readonly { name: string; field: FieldSchema; type: TypeSchema }[];
}

const plans = new WeakMap<TypeSchema, Plan>();
function planOf(type: TypeSchema): Plan {
  const known = plans.get(type);
  if (known) return known;
  const always: { name: string; field: FieldSchema; type: TypeSchema | undefined }[] = [];
  const below: { name: string; field: FieldSchema; type: TypeSchema }[] = [];
  for (const [name, field] of type.fields) {
    // An object's own identity is the server's business.
    if (type.fields.has("kind") && ["metadata", "apiVersion", "kind"].includes(name)) continue;
    if (field.written) always.push({ name, field, type: typeOf(field) });
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

function zero(field: FieldSchema): unknown {
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

export function fillWritten(type: TypeSchema, object: Record<string, unknown>): void {
  const { always, below } = planOf(type);
  for (const { name, field } of always) {
    const value = object[name];
    if (value === undefined) object[name] = zero(field);
    // What is stored does not tell an empty list from none; messages do.
    else if (isEmptyList(field, value)) {
      object[name] = null;
      noteEmptied(object, name);
    }
  }
  for (const { name, field, type: inner } of below) {
    const value = object[name];
    if (value !== undefined && value !== null) fillValue(field, inner, value);
  }
}

function fillValue(field: FieldSchema, type: TypeSchema, value: unknown): void {
  if (field.type === "ref") {
    if (typeof value === "object" && value !== null) fillWritten(type, value as Record<string, unknown>);
  } else if (field.type === "list") {
    if (Array.isArray(value)) for (const each of value) fillValue(field.element as FieldSchema, type, each);
  } else if (field.type === "map" && typeof value === "object" && value !== null) {
    for (const each of Object.values(value)) fillValue(field.element as FieldSchema, type, each);
  }
}
