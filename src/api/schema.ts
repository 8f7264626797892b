/**
 * The fields of every built-in type. The table is one string until its first use, and a type is decoded when it is first looked
 * up, so that importing this costs nothing.
 *
 * Notation of a field in the table: `[` list of, `{` map of, then `s` string, `b` boolean, `i32`, `i64`, `d` double,
 * `t` time, `u` time with microseconds, `q` quantity, `ios` int-or-string, `y` base64 bytes, `o` any object, `x` anything,
 * `sa` a JSON schema or a list of them, `sb` a JSON schema or a boolean, `@Name` a type of the same package or `@full.name`;
 * then flags as in tools/facts.ts, and `r` for required.
 */
import { text } from "./generated/shapes.js";

export type FieldType =
  | "string"
  | "boolean"
  | "int32"
  | "int64"
  | "double"
  | "time"
  | "micro-time"
  | "quantity"
  | "int-or-string"
  | "bytes"
  | "object"
  | "any"
  | "ref"
  | "list"
  | "map";

export interface FieldSchema {
  type: FieldType;
  /** Definition name, for `ref`. */
  ref?: string;
  /** The type itself, for a `ref` to one without a name in the table (custom resources). */
  target?: TypeSchema;
  /** Element of a list or map. */
  element?: FieldSchema;
  /** A JSON schema, or what stands here. Kept as a whole otherwise (`any`). */
  schemaOr?: "list" | "boolean";
  required: boolean;
  /** Left out when it is empty: "", 0, false, [], {} (Go's omitempty on what is no pointer). Objects are never empty. */
  omitEmpty?: boolean;
  /** Written even when absent: structs, and fields without omitempty in Go. */
  written?: boolean;
  /** Written as null then, since it is a pointer in Go. */
  pointer?: boolean;
  patchMergeKey?: string;
  /** `merge`, `replace`, `retainKeys`. */
  patchStrategy?: readonly string[];
  listType?: string;
  listMapKeys?: readonly string[];
  mapType?: string;
  enum?: readonly string[];
  /** The type as Go's decoder prints it, where it has a name of its own, e.g. `v1.Protocol`. */
  goName?: string;
  default?: unknown;
  /** Null differs from absent (custom resources). */
  nullable?: boolean;
  /** A string with a format, for which server-side apply takes any scalar (custom resources). */
  anyScalar?: boolean;
  /** Of unknown structure but owned member by member (custom resources); otherwise as a whole. */
  deduced?: boolean;
  /** Of `any`: objects only, with anything in them. */
  onlyObjects?: boolean;
}

export interface TypeSchema {
  /** e.g. `io.k8s.api.core.v1.Pod` */
  name: string;
  fields: ReadonlyMap<string, FieldSchema>;
  mapType?: string;
  /** Fields it does not name are kept (`x-kubernetes-preserve-unknown-fields`). */
  open?: boolean;
}

/** The result of conforming an object to its type. */
export interface Conformance {
  /** Paths of unknown fields, e.g. `spec.containers[0].imag`. */
  unknown: string[];
  /** Error of Go's decoder for the first value of a wrong type, e.g. `json: cannot unmarshal string into ...`. */
  problem?: string;
}

const letters: Record<string, FieldType> = {
  s: "string",
  b: "boolean",
  i32: "int32",
  i64: "int64",
  d: "double",
  t: "time",
  u: "micro-time",
  q: "quantity",
  ios: "int-or-string",
  y: "bytes",
  o: "object",
  x: "any",
};

let table: Record<string, Record<string, string>> | undefined;
const decoded = new Map<string, TypeSchema | undefined>();

function shapes(): Record<string, Record<string, string>> {
  table ??= JSON.parse(text) as Record<string, Record<string, string>>;
  return table;
}

/** The schema of a definition, e.g. `io.k8s.api.core.v1.Pod`; undefined when there is none. */
export function schemaOf(name: string): TypeSchema | undefined {
  const known = decoded.get(name);
  if (known || decoded.has(name)) return known;
  const raw = shapes()[name];
  const made = raw ? decodeType(name, raw) : undefined;
  decoded.set(name, made);
  return made;
}

/** The type a `ref` leads to. */
export function typeOf(field: FieldSchema): TypeSchema | undefined {
  return field.target ?? (field.ref === undefined ? undefined : schemaOf(field.ref));
}

/** The type of a kind, built-in or custom; undefined keeps unknown fields. */
export function typeOfKind(kind: { schema: string | undefined; type?: TypeSchema }): TypeSchema | undefined {
  return kind.type ?? (kind.schema === undefined ? undefined : schemaOf(kind.schema));
}

function decodeType(name: string, raw: Record<string, string>): TypeSchema {
  const prefix = name.slice(0, name.lastIndexOf("."));
  const fields = new Map<string, FieldSchema>();
  const made: TypeSchema = { name, fields };
  for (const [field, notation] of Object.entries(raw)) {
    if (field === "()") made.mapType = notation.replace("map=", "");
    else fields.set(field, decodeField(notation, prefix));
  }
  return made;
}

function decodeField(notation: string, prefix: string): FieldSchema {
  const [head = "", fallback] = notation.split(" default=");
  const [type = "x", ...flags] = head.split(" ");
  const field = decodeFieldType(type, prefix);
  for (const flag of flags) {
    const value = flag.slice(flag.indexOf("=") + 1);
    if (flag === "r") field.required = true;
    else if (flag === "o") field.omitEmpty = true;
    else if (flag === "w") field.written = true;
    else if (flag === "wp") {
      field.written = true;
      field.pointer = true;
    } else if (flag.startsWith("key=")) field.patchMergeKey = value;
    else if (flag.startsWith("patch=")) field.patchStrategy = value.split(",");
    else if (flag.startsWith("list=")) field.listType = value;
    else if (flag.startsWith("keys=")) field.listMapKeys = value.split(",");
    else if (flag.startsWith("map=")) field.mapType = value;
    else if (flag.startsWith("go=")) nameGoType(field, value);
    else if (flag.startsWith("enum="))
      (field.element ?? field).enum = value.replaceAll("\u00a0", " ").split("|");
  }
  // What is marked as optional may be written all the same; structs are, whatever their tag says.
  if (field.written && !["ref", "time", "micro-time"].includes(field.type)) field.omitEmpty = false;
  if (fallback !== undefined) field.default = JSON.parse(fallback);
  return field;
}

/** `[]v1.Capability` names the elements, `v1.ResourceList` the whole. */
function nameGoType(field: FieldSchema, name: string): void {
  const inner = name.replace(/^(\[\]|map\[string\])/, "");
  if (inner !== name && field.element) nameGoType(field.element, inner);
  else field.goName = name;
}

function decodeFieldType(type: string, prefix: string): FieldSchema {
  if (type.startsWith("["))
    return { type: "list", element: decodeFieldType(type.slice(1), prefix), required: false };
  if (type.startsWith("{"))
    return { type: "map", element: decodeFieldType(type.slice(1), prefix), required: false };
  if (type.startsWith("@")) {
    const ref = type.slice(1);
    return { type: "ref", ref: ref.includes(".") ? ref : `${prefix}.${ref}`, required: false };
  }
  if (type === "sa" || type === "sb") {
    const ref = `${prefix}.JSONSchemaProps`;
    return { type: "any", ref, schemaOr: type === "sa" ? "list" : "boolean", required: false };
  }
  return { type: letters[type] ?? "any", required: false };
}

/** Descriptions, loaded only where somebody reads them (OpenAPI, explain); the type's own is under "". */
export async function loadDescriptions(): Promise<Record<string, Record<string, string>>> {
  const module = await import("./generated/descriptions.js");
  return JSON.parse(module.text) as Record<string, Record<string, string>>;
}

export interface ParameterText {
  type: string;
  description: string;
}

/** What requests can say behind the `?`, and parts of their paths, by `<name>` or `<where>.<name>`. */
export async function loadParameters(): Promise<Record<string, ParameterText>> {
  const module = await import("./generated/parameters.js");
  return JSON.parse(module.text) as Record<string, ParameterText>;
}

/**
 * Protobuf facts: definition -> field -> `<number> <type>`, with ` !` for what is written even when empty; an embedded
 * struct is `(Name)`. Loaded only by encoders.
 */
export async function loadProtobufTable(): Promise<Record<string, Record<string, string>>> {
  const module = await import("./generated/protobuf.js");
  return JSON.parse(module.text) as Record<string, Record<string, string>>;
}
