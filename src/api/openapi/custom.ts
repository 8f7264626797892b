/** OpenAPI of custom resources. Version 2 has less, since older clients would reject valid objects. */
import type { KindDefinition } from "../definition.ts";
import { isEmbedded, preserves, type SchemaProps } from "../custom/schema-props.ts";
import type { Json, OpenApiVersion } from "./model.ts";
import { refTo } from "./schemas.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const conventions = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";

const apiVersion: Json = {
  description: `APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: ${conventions}#resources`,
  type: "string",
};
const kindField: Json = {
  description: `Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: ${conventions}#types-kinds`,
  type: "string",
};

const reference = (name: string, description: string, version: OpenApiVersion): Json => {
  const $ref = refTo(name, version);
  return version === 2 ? { description, $ref } : { description, allOf: [{ $ref }] };
};

const metadataReference = (version: OpenApiVersion): Json =>
  reference(`${meta}.ObjectMeta`, `Standard object's metadata. More info: ${conventions}#metadata`, version);

/** Definitions of a custom kind and its list, by name. */
export function customSchemas(def: KindDefinition, version: OpenApiVersion): Record<string, Json> {
  const { name, schema } = def.openApi as { name: string; schema: SchemaProps };
  const gvk = (kind: string): Json => ({
    "x-kubernetes-group-version-kind": [{ group: def.group, kind, version: def.version }],
    ...(def.selectableFields
      ? {
          "x-kubernetes-selectable-fields": Object.keys(def.selectableFields).map((fieldPath) => ({
            fieldPath,
          })),
        }
      : {}),
  });
  const own = version === 2 ? forVersion2(schema) : forVersion3(schema);
  // Older clients would reject further content of such objects.
  const open = version === 2 && preserves(schema);
  const identity = {
    apiVersion,
    kind: kindField,
    metadata: metadataReference(version),
  };
  return {
    [name]: {
      ...(open
        ? { type: "object" }
        : { ...own, properties: { ...(own.properties as Json | undefined), ...identity } }),
      ...gvk(def.kind),
    },
    [`${name}List`]: {
      description: `${def.listKind} is a list of ${def.kind}`,
      type: "object",
      required: ["items"],
      properties: {
        apiVersion,
        items: {
          description: `List of ${def.plural}. More info: ${conventions}`,
          type: "array",
          items: { $ref: refTo(name, version) },
        },
        kind: kindField,
        metadata: reference(
          `${meta}.ListMeta`,
          `Standard list metadata. More info: ${conventions}#types-kinds`,
          version,
        ),
      },
      ...gvk(def.listKind),
    },
  };
}

/** Applies `change` to a schema and everything below it. */
function mapped(schema: SchemaProps, change: (schema: SchemaProps) => SchemaProps): Json {
  const next: SchemaProps = { ...change(schema) };
  if (next.properties)
    next.properties = Object.fromEntries(
      Object.entries(next.properties).map(([name, each]) => [name, mapped(each, change) as SchemaProps]),
    );
  if (next.items) next.items = mapped(next.items, change) as SchemaProps;
  if (typeof next.additionalProperties === "object" && next.additionalProperties !== null)
    next.additionalProperties = mapped(next.additionalProperties, change) as SchemaProps;
  return next;
}

/** Adds the fields of every object to embedded objects. */
function withIdentity(schema: SchemaProps, version: OpenApiVersion): SchemaProps {
  if (!isEmbedded(schema)) return schema;
  const required = schema.required ?? [];
  return {
    ...schema,
    required: [...required, ...["kind", "apiVersion"].filter((name) => !required.includes(name))],
    properties: {
      ...schema.properties,
      apiVersion: {
        description: `apiVersion defines the versioned schema of this representation of an object. More info: ${conventions}#resources`,
        type: "string",
      },
      kind: {
        description: `kind is a string value representing the type of this object. In CamelCase. More info: ${conventions}#types-kinds`,
        type: "string",
      },
      metadata: metadataReference(version) as SchemaProps,
    },
  };
}

const forVersion3 = (schema: SchemaProps): Json =>
  mapped(schema, (each) =>
    each["x-kubernetes-int-or-string"] && !each.anyOf
      ? { ...each, anyOf: [{ type: "integer" }, { type: "string" }] }
      : withIdentity(each, 3),
  );

/** kubectl may omit nullable fields. */
function requiredIn({ required = [], properties, additionalProperties }: SchemaProps): string[] {
  if (typeof additionalProperties === "object" && additionalProperties?.nullable) return [];
  return required.filter((name) => !properties?.[name]?.nullable);
}

const forVersion2 = (schema: SchemaProps): Json =>
  mapped(schema, (each) => {
    const {
      default: _default,
      nullable,
      anyOf: _any,
      oneOf: _one,
      not: _not,
      allOf: _all,
      ...rest
    } = withIdentity(each, 2);
    if (each["x-kubernetes-int-or-string"]) delete rest.type;
    if (preserves(each) || nullable) {
      if (nullable || rest.type === "object" || rest.type === "array") delete rest.type;
      delete rest.properties;
      delete rest.items;
    }
    const required = requiredIn(rest);
    if (required.length > 0) rest.required = required;
    else delete rest.required;
    return rest;
  });
