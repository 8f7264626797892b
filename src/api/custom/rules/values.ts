/** Converts structural schemas to CEL types, and JSON to CEL values. */
import { type Cel, type CelType, isObject } from "../../../machinery/index.ts";
import { isEmbedded, isIntOrString, type SchemaProps } from "../schema-props.ts";

/** Reserved words of CEL (cel-spec, syntax: RESERVED). */
const reserved = new Set(
  (
    "true false null in as break const continue else for function if import let loop package namespace return var " +
    "void while"
  ).split(" "),
);
const escapes: Record<string, string> = {
  __: "__underscores__",
  ".": "__dot__",
  "-": "__dash__",
  "/": "__slash__",
};

/** A field's name in rules; undefined when it has none. */
export function escapeName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_./-][\w./-]*$/.test(name)) return undefined;
  return name.replaceAll(/__|[./-]/g, (part) => escapes[part] as string);
}

const unescapes = new Map(Object.entries(escapes).map(([sign, word]) => [word, sign]));

/** The name of an escaped one; undefined for names that `escapeName` does not return. */
export function unescapeName(escaped: string): string | undefined {
  let known = true;
  const name = escaped.replaceAll(/__[a-z]+__/g, (part) => {
    const word = part.slice(2, -2);
    const sign = unescapes.get(part) ?? (part === escaped && reserved.has(word) ? word : undefined);
    known &&= sign !== undefined;
    return sign ?? "";
  });
  return known ? name : undefined;
}

/** All names of a field in rules: reserved words may also be used unescaped. */
export function namesOf(name: string): readonly string[] {
  const escaped = escapeName(name);
  if (escaped === undefined) return [];
  return reserved.has(name) ? [escaped, name] : [escaped];
}

const text: SchemaProps = { type: "string" };
const identity: SchemaProps = { type: "object", properties: { name: text, generateName: text } };

const isText = (schema: SchemaProps | undefined): boolean => schema?.type === "string";

/** Rules see the identity of resources even if the schema does not declare it; a schema that declares all of it is kept. */
export function membersOf(schema: SchemaProps, resource: boolean): Record<string, SchemaProps> {
  const { properties = {} } = schema;
  const { apiVersion, kind, metadata } = properties;
  const { name, generateName } = metadata?.type === "object" ? (metadata.properties ?? {}) : {};
  if (!resource || [apiVersion, kind, name, generateName].every(isText)) return properties;
  return { ...properties, apiVersion: text, kind: text, metadata: identity };
}

/**
 * undefined for values hidden from rules: unknown members, and objects with them. `name`: the type's name in messages.
 * `metadata`: the visible metadata of a resource, if it is more than its identity.
 */
export function typeOf(
  cel: Cel,
  schema: SchemaProps,
  name: string,
  resource: boolean,
  metadata?: (name: string) => CelType,
): CelType | undefined {
  const t = cel.celTypes;
  const inside = (inner: SchemaProps, path: string): CelType | undefined =>
    typeOf(cel, inner, path, isEmbedded(inner), metadata);
  if (isIntOrString(schema)) return t.dyn;
  switch (resource ? "object" : schema.type) {
    case "array": {
      const of = schema.items && inside(schema.items, `${name}.@idx`);
      return of && t.listOf(of);
    }
    case "object": {
      const { additionalProperties: values } = schema;
      if (isObject(values)) {
        const of = inside(values as SchemaProps, `${name}.@elem`);
        return of && t.mapOf(t.string, of);
      }
      const fields = new Map<string, CelType>();
      for (const [member, inner] of Object.entries(membersOf(schema, resource))) {
        const path = `${name}.${member}`;
        const type = metadata && resource && member === "metadata" ? metadata(path) : inside(inner, path);
        if (type) for (const known of namesOf(member)) fields.set(known, type);
      }
      return t.objectOf(name, fields);
    }
    case "string":
      switch (schema.format) {
        case "byte":
          return t.bytes;
        case "duration":
          return t.duration;
        case "date":
        case "date-time":
          return t.timestamp;
        default:
          return t.string;
      }
    case "boolean":
      return t.bool;
    case "number":
      return t.double;
    case "integer":
      return t.int;
    default:
      return undefined;
  }
}

/** A floating-point number of an integer type: evaluation reports an error. */
const notWhole = (cel: Cel, text: string): Error =>
  new cel.CelEvaluationError(`invalid data, expected ${text}`);

/** Items of a map-type list by the values of their keys. */
const keyOf = (cel: Cel, keys: readonly string[]): ((item: unknown) => string) => {
  const names = keys.map((key) => escapeName(key) ?? key);
  return (item) =>
    item instanceof Map ? names.map((name) => cel.scalarKey(item.get(name))).join("\0") : String(item);
};

/** The value as seen by rules. */
export function valueOf(cel: Cel, schema: SchemaProps, value: unknown, resource: boolean): unknown {
  if (value === null || value === undefined) return value;
  if (isIntOrString(schema))
    return typeof value === "number"
      ? notWhole(cel, "XIntOrString value to be either a string or integer")
      : value;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return [];
    const list = value.map((each) => valueOf(cel, items, each, isEmbedded(items)));
    if (list.some((each) => each instanceof cel.CelEvaluationError)) return list;
    switch (schema["x-kubernetes-list-type"]) {
      case "set":
        // Kubernetes knows its items by their JSON: where rules see 1.0, an item that was given as 1 is another.
        return cel.markUnordered(list, cel.scalarKey, value.map(cel.scalarKey));
      case "map":
        return cel.markUnordered(list, keyOf(cel, schema["x-kubernetes-list-map-keys"] ?? []));
      default:
        return list;
    }
  }
  if (isObject(value)) {
    const made = new Map<string, unknown>();
    const { additionalProperties: values } = schema;
    if (isObject(values) && !resource) {
      for (const [key, each] of Object.entries(value))
        made.set(key, valueOf(cel, values as SchemaProps, each, isEmbedded(values as SchemaProps)));
      return made;
    }
    for (const [member, inner] of Object.entries(membersOf(schema, resource))) {
      if (!Object.hasOwn(value, member)) continue;
      const seen = valueOf(cel, inner, value[member], isEmbedded(inner));
      for (const known of namesOf(member)) made.set(known, seen);
    }
    return made;
  }
  if (schema.type === "number") return Number(value);
  if (schema.type === "integer" && typeof value === "number") return notWhole(cel, "int, got float64");
  return typeof value === "string" && schema.format ? cel.celOfText(value, schema.format) : value;
}
