import type { FieldSchema, TypeSchema } from "../schema.ts";
import { isEmbedded, isIntOrString, preserves, type SchemaProps, valuesOf } from "./schema-props.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const text: FieldSchema = { type: "string", required: false };
const identity: readonly [string, FieldSchema][] = [
  ["apiVersion", text],
  ["kind", text],
  ["metadata", { type: "ref", ref: meta, required: false }],
];

/** The type described by a custom resource's schema, for field ownership and OpenAPI. */
export function typeOfSchema(name: string, schema: SchemaProps): TypeSchema {
  const type = objectType(name, schema, false);
  return { ...type, fields: new Map([...type.fields, ...identity]) };
}

const isPlain = ({ format }: SchemaProps): boolean => !format || format === "byte";

/** `within`: inside an object that preserves unknown fields, where any field can be owned. */
function objectType(name: string, schema: SchemaProps, within: boolean): TypeSchema {
  const open = within || preserves(schema);
  const fields = new Map<string, FieldSchema>();
  for (const [member, inner] of Object.entries(schema.properties ?? {}))
    fields.set(member, field(`${name}.${member}`, inner, schema.required?.includes(member) ?? false, open));
  if (isEmbedded(schema)) for (const [member, inner] of identity) fields.set(member, inner);
  return {
    name,
    fields,
    ...(open ? { open } : {}),
    ...(schema["x-kubernetes-map-type"] ? { mapType: schema["x-kubernetes-map-type"] } : {}),
  };
}

function field(name: string, schema: SchemaProps, required: boolean, within: boolean): FieldSchema {
  const open = within || preserves(schema);
  const common = {
    required,
    ...(schema.default === undefined ? {} : { default: schema.default }),
    ...(schema.nullable ? { nullable: true } : {}),
  };
  if (isIntOrString(schema)) return { ...common, type: "int-or-string", deduced: true };
  switch (schema.type) {
    case "string":
      return { ...common, type: "string", ...(isPlain(schema) ? {} : { anyScalar: true }) };
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
        element: field(`${name}[]`, schema.items ?? {}, false, open),
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
          element: field(`${name}{}`, values, false, open),
          ...(mapType ? { mapType } : {}),
        };
      }
      if (!schema.properties && !isEmbedded(schema))
        return {
          ...common,
          type: preserves(schema) ? "any" : "ref",
          deduced: true,
          ...(mapType ? { mapType } : {}),
          ...(preserves(schema) ? { onlyObjects: true } : { target: objectType(name, schema, within) }),
        };
      return { ...common, type: "ref", target: objectType(name, schema, within) };
    }
    default:
      return { ...common, type: "any", deduced: true };
  }
}
