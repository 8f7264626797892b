/** Objects in Go's order: members in the order of the struct, keys of maps sorted. */
import { isObject } from "../machinery/index.ts";
import { type FieldSchema, schemaOf, typeOf, type TypeSchema } from "./schema.ts";

/** A copy in Go's order; unknown members are last. */
export function inGoOrder(schema: string | undefined, object: object): object {
  const type = schema === undefined ? undefined : schemaOf(schema);
  if (!type) return object;
  const { kind, apiVersion, ...rest } = object as Record<string, unknown>;
  return { kind, apiVersion, ...struct(type, rest) };
}

function struct(type: TypeSchema, value: Record<string, unknown>): Record<string, unknown> {
  const ordered: Record<string, unknown> = {};
  // An embedded object has its own kind.
  if (type.fields.has("metadata") && value["kind"] !== undefined) ordered["kind"] = value["kind"];
  for (const [name, field] of type.fields)
    if (value[name] !== undefined) ordered[name] = inOrder(field, value[name]);
  for (const name of Object.keys(value)) if (!type.fields.has(name)) ordered[name] = value[name];
  return ordered;
}

function inOrder(field: FieldSchema, value: unknown): unknown {
  const type = field.type === "ref" ? typeOf(field) : undefined;
  if (type && isObject(value)) return struct(type, value);
  const { element } = field;
  if (field.type === "list" && element && Array.isArray(value))
    return value.map((each) => inOrder(element, each));
  if (field.type === "map" && element && isObject(value))
    return Object.fromEntries(
      Object.keys(value)
        .sort()
        .map((name) => [name, inOrder(element, value[name])]),
    );
  return value;
}
