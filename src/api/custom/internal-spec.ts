/**
 * A definition's spec in Kubernetes' internal form: values equal in all versions are at the top. Errors have these paths
 * (`spec.validation`), and show these names.
 */
import { deepEqual, isObject, wasEmptied } from "../../machinery/index.ts";
import type { CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from "../generated/types.ts";
import type { SchemaProps, ValidationRule } from "./schema-props.ts";

export type VersionParts = Pick<
  CustomResourceDefinitionVersion,
  "schema" | "subresources" | "additionalPrinterColumns" | "selectableFields"
>;

export interface InternalSpec {
  top: VersionParts;
  versions: CustomResourceDefinitionVersion[];
}

const parts = ["schema", "subresources", "additionalPrinterColumns", "selectableFields"] as const;

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

export function internalSpec(spec: CustomResourceDefinitionSpec): InternalSpec {
  const versions = (spec.versions ?? []).map((version) => ({ ...version }));
  const top: VersionParts = {};
  const [first] = versions;
  if (!first) return { top, versions };
  for (const part of parts) {
    const value = isEmpty(first[part]) ? undefined : first[part];
    const alike = versions.every((version) =>
      deepEqual(isEmpty(version[part]) ? undefined : version[part], value),
    );
    if (!alike) continue;
    if (value !== undefined) Object.assign(top, { [part]: value });
    for (const version of versions) delete version[part];
  }
  return { top, versions };
}

/** Versions as shown in errors. */
export function shownVersions(spec: CustomResourceDefinitionSpec): unknown {
  if (!spec.versions) return wasEmptied(spec, "versions") ? [] : undefined;
  return internalSpec(spec).versions.map((version) => ({
    Name: version.name ?? "",
    Served: version.served ?? false,
    Storage: version.storage ?? false,
    Deprecated: version.deprecated ?? false,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema: version.schema
      ? { OpenAPIV3Schema: shownSchema(version.schema.openAPIV3Schema as SchemaProps | undefined) }
      : null,
    Subresources: shownSubresources(version.subresources),
    AdditionalPrinterColumns:
      version.additionalPrinterColumns?.map((column) => ({
        Name: column.name ?? "",
        Type: column.type ?? "",
        Format: column.format ?? "",
        Description: column.description ?? "",
        Priority: column.priority ?? 0,
        JSONPath: column.jsonPath ?? "",
      })) ?? null,
    SelectableFields: version.selectableFields?.map(({ jsonPath }) => ({ JSONPath: jsonPath ?? "" })) ?? null,
  }));
}

function shownSubresources(given: CustomResourceDefinitionVersion["subresources"]): unknown {
  if (!given) return null;
  const { scale } = given;
  return {
    Status: given.status ? {} : null,
    Scale: scale
      ? {
          SpecReplicasPath: scale.specReplicasPath ?? "",
          StatusReplicasPath: scale.statusReplicasPath ?? "",
          LabelSelectorPath: scale.labelSelectorPath ?? null,
        }
      : null,
  };
}

const schemas = (given: readonly SchemaProps[] | undefined): unknown => given?.map(shownSchema) ?? null;

const schemaMap = (given: unknown): unknown =>
  isObject(given)
    ? Object.fromEntries(
        Object.keys(given)
          .sort()
          .map((name) => [name, shownSchema(given[name] as SchemaProps)]),
      )
    : null;

const schemaOrBool = (given: unknown): unknown =>
  given === undefined
    ? null
    : isObject(given)
      ? { Allows: true, Schema: shownSchema(given as SchemaProps) }
      : { Allows: given, Schema: null };

function shownItems(items: SchemaProps | readonly SchemaProps[] | undefined): unknown {
  if (items === undefined) return null;
  return Array.isArray(items)
    ? { Schema: null, JSONSchemas: items.map(shownSchema) }
    : { Schema: shownSchema(items as SchemaProps), JSONSchemas: null };
}

/** A schema as shown in errors. */
export function shownSchema(schema: SchemaProps | undefined): unknown {
  if (!schema) return null;
  const docs = schema.externalDocs as { description?: string; url?: string } | undefined;
  return {
    ID: schema.id ?? "",
    Schema: schema.$schema ?? "",
    Ref: schema.$ref ?? null,
    Description: schema.description ?? "",
    Type: schema.type ?? "",
    Nullable: schema.nullable ?? false,
    Format: schema.format ?? "",
    Title: schema.title ?? "",
    Default: schema.default ?? null,
    Maximum: schema.maximum ?? null,
    ExclusiveMaximum: schema.exclusiveMaximum ?? false,
    Minimum: schema.minimum ?? null,
    ExclusiveMinimum: schema.exclusiveMinimum ?? false,
    MaxLength: schema.maxLength ?? null,
    MinLength: schema.minLength ?? null,
    Pattern: schema.pattern ?? "",
    MaxItems: schema.maxItems ?? null,
    MinItems: schema.minItems ?? null,
    UniqueItems: schema.uniqueItems ?? false,
    MultipleOf: schema.multipleOf ?? null,
    Enum: schema.enum ?? null,
    MaxProperties: schema.maxProperties ?? null,
    MinProperties: schema.minProperties ?? null,
    Required: schema.required ?? null,
    Items: shownItems(schema.items),
    AllOf: schemas(schema.allOf),
    OneOf: schemas(schema.oneOf),
    AnyOf: schemas(schema.anyOf),
    Not: shownSchema(schema.not),
    Properties: schemaMap(schema.properties) ?? (wasEmptied(schema, "properties") ? {} : null),
    AdditionalProperties: schemaOrBool(schema.additionalProperties),
    PatternProperties: schemaMap(schema.patternProperties),
    Dependencies: schema.dependencies ?? null,
    AdditionalItems: schemaOrBool(schema.additionalItems),
    Definitions: schemaMap(schema.definitions),
    ExternalDocs: docs ? { Description: docs.description ?? "", URL: docs.url ?? "" } : null,
    Example: schema.example ?? null,
    XPreserveUnknownFields: schema["x-kubernetes-preserve-unknown-fields"] ?? null,
    XEmbeddedResource: schema["x-kubernetes-embedded-resource"] ?? false,
    XIntOrString: schema["x-kubernetes-int-or-string"] ?? false,
    XListMapKeys: schema["x-kubernetes-list-map-keys"] ?? null,
    XListType: schema["x-kubernetes-list-type"] ?? null,
    XMapType: schema["x-kubernetes-map-type"] ?? null,
    XValidations: schema["x-kubernetes-validations"]?.map(shownRule) ?? null,
  };
}

export const shownRule = (rule: ValidationRule): unknown => ({
  Rule: rule.rule ?? "",
  Message: rule.message ?? "",
  MessageExpression: rule.messageExpression ?? "",
  Reason: rule.reason ?? null,
  FieldPath: rule.fieldPath ?? "",
  OptionalOldSelf: rule.optionalOldSelf ?? null,
});
