/**
 * Values as Kubernetes' messages show them when they are not plain: its internal types written as JSON, which means Go's
 * names, every field whether it is set or not, in the order of the struct. `{"key":"a"}` of a taint is
 * `{"Key":"a","Value":"","Effect":"","TimeAdded":null}`. Types of the API's own (label selectors, metadata) are written
 * as clients see them. The table is src/api/facts/internal.json.
 */
import { emptiedMembers, unifiedDiff } from "../machinery/index.ts";
import { text } from "./generated/internal.js";
import { type FieldSchema, schemaOf, typeOf, type TypeSchema } from "./schema.ts";

interface InternalField {
  /** Empty for an embedded struct. */
  name: string;
  /** In lower case, as the JSON names are looked up. */
  json: string;
  type: string;
}

let table: Record<string, string> | undefined;
const decoded = new Map<string, readonly InternalField[]>();

function fieldsOf(type: string): readonly InternalField[] {
  const known = decoded.get(type);
  if (known) return known;
  table ??= JSON.parse(text) as Record<string, string>;
  const source = table[type];
  if (source === undefined) throw new Error(`no internal type ${type}`);
  const fields = source.split(",").map((each): InternalField => {
    const [head = "", notation = "x"] = each.split(" ");
    const [name = "", json = name] = head.split("=");
    return { name, json: json.toLowerCase(), type: notation };
  });
  decoded.set(type, fields);
  return fields;
}

type Loose = Record<string, unknown>;

/** Fields of the pod's spec that stand in its security context internally. */
const hostFields = ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"];

/** Brings a value into the shape of its internal type where that is another. */
function reshaped(type: string, value: Loose): Loose {
  if (type !== "core.PodSpec") return value;
  const context: Loose = { ...(value.securityContext as Loose | undefined) };
  for (const name of hostFields) context[name] = value[name];
  return { ...value, securityContext: context };
}

function addFields(type: string, value: Loose, into: Loose): void {
  const given = reshaped(type, value);
  const byName = new Map(Object.keys(given).map((key) => [key.toLowerCase(), given[key]]));
  for (const name of emptiedMembers(value))
    byName.set(name.toLowerCase(), byName.get(name.toLowerCase()) ?? nothing);
  for (const field of fieldsOf(type)) {
    if (field.name !== "") into[field.name] = form(field.type, byName.get(field.json));
    else if (field.type.startsWith("@meta.")) {
      const inner = field.type === "@meta.ObjectMeta" ? (given.metadata ?? given) : given;
      Object.assign(into, published(field.type, inner));
    } else addFields(field.type.replace(/^\*?@/, ""), given, into);
  }
}

function form(type: string, value: unknown): unknown {
  const inner = type.slice(1);
  switch (type[0]) {
    case "*":
      return value === undefined || value === null ? null : form(inner, value);
    case "[":
      if (value === nothing) return [];
      return Array.isArray(value) ? value.map((each) => form(inner, each)) : null;
    case "{":
      return value === undefined || value === null
        ? null
        : sortedMap(value as Loose, (each) => form(inner, each));
    case "@":
      if (inner.startsWith("meta.")) return published(type, value ?? {});
      return internalForm(inner, (value ?? {}) as object);
    default:
      return value ?? zeros[type] ?? null;
  }
}

/** In the place of a list or map that was given without members. */
const nothing: Loose = {};

const zeros: Readonly<Record<string, unknown>> = { s: "", i: 0, d: 0, b: false, q: "0", ios: 0 };

function sortedMap(value: Loose, each: (value: unknown) => unknown): Loose {
  const out: Loose = {};
  for (const key of Object.keys(value).sort()) out[key] = each(value[key]);
  return out;
}

function published(type: string, value: unknown): Loose {
  const schema = schemaOf(`io.k8s.apimachinery.pkg.apis.meta.v1.${type.replace("@meta.", "")}`);
  return schema ? writtenForm(schema, value as Loose) : (value as Loose);
}

/** A value of a published type as Go writes it: in the order of the struct, without what is empty and optional. */
function writtenForm(type: TypeSchema, value: Loose): Loose {
  const out: Loose = {};
  for (const [name, field] of type.fields) {
    const given = value[name];
    if (given !== undefined && given !== null) out[name] = writtenValue(field, given);
    else if (field.written) out[name] = field.pointer ? null : field.type === "string" ? "" : null;
  }
  return out;
}

function writtenValue(field: FieldSchema, value: unknown): unknown {
  const inner = typeOf(field);
  if (inner) return writtenForm(inner, value as Loose);
  const element = field.element;
  if (!element) return value;
  if (Array.isArray(value)) return value.map((each) => writtenValue(element, each));
  return sortedMap(value as Loose, (each) => writtenValue(element, each));
}

/**
 * `value`, as clients write it, in the form of the internal type, e.g. `core.Taint`. Made for JSON.stringify: the order
 * of the members is Go's.
 */
export function internalForm(type: string, value: object): Loose {
  const out: Loose = {};
  addFields(type, value as Loose, out);
  return out;
}

/** A value of a published type, e.g. `io.k8s.api.core.v1.Taint`, in the order and completeness Go writes it. */
export function publishedForm(schema: string, value: object): Loose {
  const type = schemaOf(schema);
  return type ? writtenForm(type, value as Loose) : (value as Loose);
}

/** What changed, as a unified diff of the two internal forms. */
export function internalDifference(type: string, old: object, value: object): string {
  const text = (each: object): string => JSON.stringify(internalForm(type, each), goNumbers, 1);
  return unifiedDiff(text(old), text(value));
}

/** Whole numbers beyond 2^53 are bigints. */
const goNumbers = (_: string, value: unknown): unknown => (typeof value === "bigint" ? Number(value) : value);
