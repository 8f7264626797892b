/** Schemas of the built-in types as OpenAPI writes them. Version 3 differs from 2 in how it refers and in unions. */
import { type FieldSchema, schemaOf } from "../schema.ts";

export type OpenApiVersion = 2 | 3;
export type Descriptions = Record<string, Record<string, string>>;
type Json = Record<string, unknown>;

const machinery = "io.k8s.apimachinery.pkg";
export const definitions = {
  quantity: `${machinery}.api.resource.Quantity`,
  time: `${machinery}.apis.meta.v1.Time`,
  microTime: `${machinery}.apis.meta.v1.MicroTime`,
  intOrString: `${machinery}.util.intstr.IntOrString`,
  patch: `${machinery}.apis.meta.v1.Patch`,
} as const;

/** Types that are no structs, and so not in the schema table. */
function special(version: OpenApiVersion): Record<string, Json> {
  const either = (a: string, b: string, format?: string): Json =>
    version === 3
      ? { ...(format ? { format } : {}), oneOf: [{ type: a }, { type: b }] }
      : { type: "string", ...(format ? { format } : {}) };
  return {
    [definitions.quantity]: {
      description: "Quantity is a number with a decimal or binary suffix, e.g. 100m, 1.5, 2Gi.",
      ...either("string", "number"),
    },
    [definitions.time]: {
      description: "Time is an RFC 3339 timestamp.",
      type: "string",
      format: "date-time",
    },
    [definitions.microTime]: {
      description: "MicroTime is an RFC 3339 timestamp with microseconds.",
      type: "string",
      format: "date-time",
    },
    [definitions.intOrString]: {
      description: "IntOrString is a number or a string, e.g. a port's number or name.",
      ...either("integer", "string", "int-or-string"),
    },
    [definitions.patch]: { description: "Patch is the body of a PATCH request.", type: "object" },
  };
}

export const refTo = (name: string, version: OpenApiVersion): string =>
  version === 3 ? `#/components/schemas/${name}` : `#/definitions/${name}`;

const plain: Partial<Record<FieldSchema["type"], Json>> = {
  string: { type: "string" },
  boolean: { type: "boolean" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  double: { type: "number", format: "double" },
  bytes: { type: "string", format: "byte" },
  object: { type: "object" },
  any: {},
};

const named: Partial<Record<FieldSchema["type"], string>> = {
  quantity: definitions.quantity,
  time: definitions.time,
  "micro-time": definitions.microTime,
  "int-or-string": definitions.intOrString,
};

/** Makes schemas and remembers what they refer to. */
export class SchemaBuilder {
  readonly #version: OpenApiVersion;
  readonly #texts: Descriptions;
  readonly #special: Record<string, Json>;
  readonly schemas: Record<string, Json> = {};

  constructor(version: OpenApiVersion, texts: Descriptions) {
    this.#version = version;
    this.#texts = texts;
    this.#special = special(version);
  }

  /** Adds a definition and everything it refers to. */
  add(name: string): void {
    const open = [name];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (this.schemas[next]) continue;
      const known = this.#special[next];
      if (known) this.schemas[next] = known;
      else {
        const made = this.#type(next, open);
        if (made) this.schemas[next] = made;
      }
    }
  }

  #type(name: string, found: string[]): Json | undefined {
    const type = schemaOf(name);
    if (!type) return undefined;
    const texts = this.#texts[name] ?? {};
    const properties: Json = {};
    const required: string[] = [];
    for (const [field, schema] of type.fields) {
      properties[field] = this.#property(schema, texts[field] ?? this.#about(schema.ref), found);
      if (schema.required) required.push(field);
    }
    return {
      ...(texts[""] ? { description: texts[""] } : {}),
      type: "object",
      ...(required.length > 0 ? { required } : {}),
      properties,
      ...(type.mapType ? { "x-kubernetes-map-type": type.mapType } : {}),
    };
  }

  /** The models have no text for a field that is a struct; the first sentence about the struct stands in. */
  #about(ref: string | undefined): string | undefined {
    const text = ref === undefined ? undefined : this.#texts[ref]?.[""];
    return text?.split(/(?<=\.)\s/, 1)[0];
  }

  #property(schema: FieldSchema, description: string | undefined, found: string[]): Json {
    const extras: Json = {
      ...(description ? { description } : {}),
      ...(schema.default === undefined ? {} : { default: schema.default }),
      ...(schema.enum ? { enum: schema.enum } : {}),
      ...(schema.patchMergeKey ? { "x-kubernetes-patch-merge-key": schema.patchMergeKey } : {}),
      ...(schema.patchStrategy ? { "x-kubernetes-patch-strategy": schema.patchStrategy.join(",") } : {}),
      ...(schema.listMapKeys ? { "x-kubernetes-list-map-keys": schema.listMapKeys } : {}),
      ...(schema.listType ? { "x-kubernetes-list-type": schema.listType } : {}),
      ...(schema.mapType ? { "x-kubernetes-map-type": schema.mapType } : {}),
    };
    const target = schema.ref ?? named[schema.type];
    if (target !== undefined) {
      found.push(target);
      const $ref = refTo(target, this.#version);
      // What stands beside a $ref is ignored in version 3, hence allOf.
      if (this.#version === 2 || Object.keys(extras).length === 0) return { $ref, ...extras };
      return { allOf: [{ $ref }], ...extras };
    }
    const element = schema.element ?? { type: "any", required: false };
    if (schema.type === "list")
      return { ...extras, type: "array", items: this.#property(element, undefined, found) };
    if (schema.type === "map") {
      return { ...extras, type: "object", additionalProperties: this.#property(element, undefined, found) };
    }
    return { ...extras, ...plain[schema.type] };
  }
}
