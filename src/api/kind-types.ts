/** Kinds as CEL types, for the type checker of admission policies. */
import type { Cel, CelType } from "../machinery/index.ts";
import { namesOf, typeOf } from "./custom/rules/values.ts";
import type { SchemaProps } from "./custom/schema-props.ts";
import { type FieldSchema, schemaOf, typeOf as targetOf, type TypeSchema } from "./schema.ts";

const objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/** A built-in type; its fields are created on demand. `name`: the type's name in messages. */
export function typeOfSchema(cel: Cel, schema: TypeSchema, name: string): CelType {
  return structOf(cel, schema, name, new Set());
}

/** The type of the schema of a custom resource's version. */
export function typeOfCustom(cel: Cel, schema: SchemaProps, name: string): CelType | undefined {
  return typeOf(cel, schema, name, true, (of) => typeOfSchema(cel, schemaOf(objectMeta) as TypeSchema, of));
}

function structOf(cel: Cel, schema: TypeSchema, name: string, within: ReadonlySet<string>): CelType {
  const { objectOf } = cel.celTypes;
  // Recursive types have no fields at the recursion.
  if (within.has(schema.name)) return objectOf(name, new Map());
  const inside = new Set(within).add(schema.name);
  const named = new Map<string, string>();
  for (const field of schema.fields.keys()) for (const known of namesOf(field)) named.set(known, field);
  const made = new Map<string, CelType | undefined>();
  return objectOf(name, {
    get(known) {
      if (made.has(known)) return made.get(known);
      const field = named.get(known);
      const type =
        field === undefined
          ? undefined
          : fieldOf(cel, schema.fields.get(field) as FieldSchema, `${name}.${known}`, inside);
      if (field !== undefined) made.set(known, type);
      return type;
    },
  });
}

/** undefined for values without a CEL type: quantities and values of any type. */
function fieldOf(
  cel: Cel,
  field: FieldSchema,
  name: string,
  within: ReadonlySet<string>,
): CelType | undefined {
  const t = cel.celTypes;
  switch (field.type) {
    case "string":
      return t.string;
    case "boolean":
      return t.bool;
    case "int32":
    case "int64":
      return t.int;
    case "double":
      return t.double;
    case "time":
    case "micro-time":
      return t.timestamp;
    case "bytes":
      return t.bytes;
    case "int-or-string":
      return t.dyn;
    case "object":
      return t.objectOf(name, new Map());
    case "ref": {
      const target = targetOf(field);
      return target && structOf(cel, target, name, within);
    }
    case "list": {
      const of = fieldOf(cel, field.element as FieldSchema, `${name}.@idx`, within);
      return of && t.listOf(of);
    }
    case "map": {
      const of = fieldOf(cel, field.element as FieldSchema, `${name}.@elem`, within);
      return of && t.mapOf(t.string, of);
    }
    default:
      return undefined;
  }
}
