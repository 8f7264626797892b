import type { FieldSchema, TypeSchema } from "../schema.ts";
import { isEmbedded, isIntOrString, preserves, type SchemaProps, valuesOf } from "./schema-props.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const text: FieldSchema = { type: "string", required: false };
const identity: readonly [string, FieldSchema][] = [
  ["apiVersion", text],
  ["kind", text],
  ["metadata", { type: "ref", ref: meta, required: false }],
];

/** The type that a custom resource's schema describes, for what works on types (owners of fields, OpenAPI). */
export function typeOfSchema(name: string, schema: SchemaProps): TypeSchema {
  const type = objectType(name, schema);
  return { ...type, fields: new Map([...type.fields, ...identity]) };
}

function objectType(name: string, schema: SchemaProps): TypeSchema {
  const fields = new Map<string, FieldSchema>();
  for (const [member, inner] of Object.entries(schema.properties ?? {}))
    fields.set(member, field(`${name}.${member}`, inner, schema.required?.includes(member) ?? false));
  if (isEmbedded(schema)) for (const [member, inner] of identity) fields.set(member, inner);
  return {
    name,
    fields,
    ...(preserves(schema) ? { open: true } : {}),
    ...(schema["x-kubernetes-map-type"] ? { mapType: schema["x-kubernetes-map-type"] } : {}),
  };
}

function field(name: string, schema: SchemaProps, required: boolean): FieldSchema {
  const common = {
    required,
    ...(schema.default === undefined ? {} : { default: schema.default }),
    ...(schema.nullable ? { nullable: true } : {}),
  };
  if (isIntOrString(schema)) return { ...common, type: "int-or-string" };
  switch (schema.type) {
    case "string":
      return { ...common, type: "string" };
    case "boolean":
      return { ...common, type: "boolean" };
    case "integer":
      return { ...common, type: "int64" };
    case "number":
      return { ...common, type: "double" };
    case "array":
      return {
        ...common,
        type: "list",
        element: field(`${name}[]`, schema.items ?? {}, false),
        ...(schema["x-kubernetes-list-type"] ? { listType: schema["x-kubernetes-list-type"] } : {}),
        ...(schema["x-kubernetes-list-map-keys"]
          ? { listMapKeys: schema["x-kubernetes-list-map-keys"] }
          : {}),
      };
    case "object": {
      const values = valuesOf(schema);
      const mapType = schema["x-kubernetes-map-type"];
      if (!schema.properties && values) {
        return {
          ...common,
          type: "map",
          element: field(`${name}{}`, values, false),
          ...(mapType ? { mapType } : {}),
        };
      }
      if (!schema.properties && !isEmbedded(schema))
        return {
          ...common,
          type: preserves(schema) ? "any" : "ref",
          deduced: true,
          ...(mapType ? { mapType } : {}),
          ...(preserves(schema) ? {} : { target: objectType(name, schema) }),
        };
      return { ...common, type: "ref", target: objectType(name, schema) };
    }
    default:
      return { ...common, type: "any", deduced: true };
  }
}
