/** OpenAPI schemas of the built-in types. Version 3 differs from 2 in references, unions and defaults. */
import { type FieldSchema, schemaOf } from "../schema.ts";
import { arrange } from "./arrange.ts";
import type { Gvk, Json, OpenApiVersion } from "./model.ts";
import { definitions, specialTypes } from "./special-types.ts";

export type Descriptions = Record<string, Record<string, string>>;

export const refTo = (name: string, version: OpenApiVersion): string =>
  version === 3 ? `#/components/schemas/${name}` : `#/definitions/${name}`;

const plain: Partial<Record<FieldSchema["type"], Json>> = {
  string: { type: "string" },
  boolean: { type: "boolean" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  double: { type: "number", format: "double" },
  bytes: { type: "string", format: "byte" },
  any: {},
};

/** Go's zero values, which are written. */
const zeros: Partial<Record<FieldSchema["type"], unknown>> = {
  string: "",
  boolean: false,
  int32: 0,
  int64: 0,
  double: 0,
  ref: {},
};

const named: Partial<Record<FieldSchema["type"], string>> = {
  quantity: definitions.quantity,
  time: definitions.time,
  "micro-time": definitions.microTime,
  "int-or-string": definitions.intOrString,
};

const extensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";

/** Fields whose types are not in the schema table, by `<definition>.<field>`. */
const elsewhere: Readonly<Record<string, string>> = {
  [`${extensions}.JSONSchemaProps.additionalItems`]: `${extensions}.JSONSchemaPropsOrBool`,
  [`${extensions}.JSONSchemaProps.additionalProperties`]: `${extensions}.JSONSchemaPropsOrBool`,
  [`${extensions}.JSONSchemaProps.default`]: `${extensions}.JSON`,
  [`${extensions}.JSONSchemaProps.dependencies`]: `${extensions}.JSONSchemaPropsOrStringArray`,
  [`${extensions}.JSONSchemaProps.enum`]: `${extensions}.JSON`,
  [`${extensions}.JSONSchemaProps.example`]: `${extensions}.JSON`,
  [`${extensions}.JSONSchemaProps.items`]: `${extensions}.JSONSchemaPropsOrArray`,
  [`${extensions}.CustomResourceSubresources.status`]: `${extensions}.CustomResourceSubresourceStatus`,
  "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry.fieldsV1": definitions.fields,
  "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent.object": definitions.rawExtension,
  "io.k8s.api.apps.v1.ControllerRevision.data": definitions.rawExtension,
  "io.k8s.api.resource.v1.AllocatedDeviceStatus.data": definitions.rawExtension,
  "io.k8s.api.resource.v1.OpaqueDeviceConfiguration.parameters": definitions.rawExtension,
};

const core = "io.k8s.api.core.v1";
const flowControl = "io.k8s.api.flowcontrol.v1";

/** Union members by their discriminator. */
const union = (discriminator: string | undefined, fields: Readonly<Record<string, string>>): Json => ({
  ...(discriminator === undefined ? {} : { discriminator }),
  "fields-to-discriminateBy": fields,
});

const unions: Readonly<Record<string, Json>> = {
  [`${core}.AppArmorProfile`]: union("type", { localhostProfile: "LocalhostProfile" }),
  [`${core}.PodSchedulingGroup`]: union(undefined, { podGroupName: "PodGroupName" }),
  [`${core}.SeccompProfile`]: union("type", { localhostProfile: "LocalhostProfile" }),
  [`${flowControl}.LimitResponse`]: union("type", { queuing: "Queuing" }),
  [`${flowControl}.PriorityLevelConfigurationSpec`]: union("type", { exempt: "Exempt", limited: "Limited" }),
  [`${flowControl}.Subject`]: union("kind", {
    group: "Group",
    serviceAccount: "ServiceAccount",
    user: "User",
  }),
};

/** Builds schemas and collects their references. */
export class SchemaBuilder {
  readonly version: OpenApiVersion;
  readonly #texts: Descriptions;
  readonly #special: Record<string, Json>;
  readonly schemas: Record<string, Json> = {};

  constructor(version: OpenApiVersion, texts: Descriptions) {
    this.version = version;
    this.#texts = texts;
    this.#special = specialTypes(version);
  }

  /** Adds a definition with all it references. */
  add(name: string): void {
    const open = [name];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (this.schemas[next]) continue;
      const special = this.#special[next];
      const made = special ? this.#described(next, special) : this.#type(next, open);
      if (made) this.schemas[next] = arrange(made);
    }
  }

  /** Sets the kinds of a definition. */
  addKind(name: string, { group, version, kind }: Gvk): void {
    this.add(name);
    const schema = this.schemas[name];
    if (!schema) return;
    const present = (schema["x-kubernetes-group-version-kind"] ??= []) as Gvk[];
    if (present.some((each) => each.group === group && each.version === version && each.kind === kind))
      return;
    present.push({ group, kind, version });
  }

  #described(name: string, schema: Json): Json {
    const texts = this.#texts[name] ?? {};
    const own = schema.properties as Record<string, Json> | undefined;
    return {
      ...(texts[""] ? { description: texts[""] } : {}),
      ...schema,
      ...(own
        ? {
            properties: Object.fromEntries(
              Object.entries(own).map(([field, each]) => [
                field,
                { ...(texts[field] ? { description: texts[field] } : {}), ...each },
              ]),
            ),
          }
        : {}),
    };
  }

  #type(name: string, found: string[]): Json | undefined {
    const type = schemaOf(name);
    if (!type) return undefined;
    const texts = this.#texts[name] ?? {};
    const properties: Json = {};
    const required: string[] = [];
    for (const [field, schema] of type.fields) {
      properties[field] = this.#property(schema, elsewhere[`${name}.${field}`], texts[field], found);
      if (schema.required) required.push(field);
    }
    return {
      ...(texts[""] ? { description: texts[""] } : {}),
      type: "object",
      ...(required.length > 0 ? { required } : {}),
      ...(type.fields.size > 0 ? { properties } : {}),
      ...(type.mapType ? { "x-kubernetes-map-type": type.mapType } : {}),
      ...(unions[name] ? { "x-kubernetes-unions": [unions[name]] } : {}),
    };
  }

  /** `other`: a type outside the table, of the element for lists. */
  #property(
    schema: FieldSchema,
    other: string | undefined,
    description: string | undefined,
    found: string[],
  ): Json {
    const made: Json = {
      ...(description ? { description } : {}),
      ...this.#fallback(schema),
      ...(schema.enum ? { enum: schema.enum.toSorted() } : {}),
      ...(schema.patchMergeKey ? { "x-kubernetes-patch-merge-key": schema.patchMergeKey } : {}),
      ...(schema.patchStrategy ? { "x-kubernetes-patch-strategy": schema.patchStrategy.join(",") } : {}),
      ...(schema.listMapKeys ? { "x-kubernetes-list-map-keys": schema.listMapKeys } : {}),
      ...(schema.listType ? { "x-kubernetes-list-type": schema.listType } : {}),
      ...(schema.mapType ? { "x-kubernetes-map-type": schema.mapType } : {}),
    };
    if (schema.type === "list" || schema.type === "map") {
      const element = schema.element ?? { type: "any", required: false };
      const inner = this.#property({ ...element, written: true }, other, undefined, found);
      return schema.type === "list"
        ? { ...made, type: "array", items: inner }
        : { ...made, type: "object", additionalProperties: inner };
    }
    const target = other ?? schema.ref ?? named[schema.type];
    if (target === undefined) return { ...made, ...plain[schema.type] };
    found.push(target);
    const $ref = refTo(target, this.version);
    // Siblings of a $ref are ignored in version 3, hence allOf.
    if (this.version === 2 || Object.keys(made).length === 0) return { $ref, ...made };
    return { allOf: [{ $ref }], ...made };
  }

  /** Version 2 has no defaults, so that older clients do not send them. */
  #fallback(schema: FieldSchema): Json {
    if (this.version === 2) return {};
    if (schema.default !== undefined) return { default: schema.default };
    const zero = schema.written && !schema.pointer ? zeros[schema.type] : undefined;
    return zero === undefined ? {} : { default: zero };
  }
}
