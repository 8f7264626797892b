/** Rules for structural schemas, which pruning, defaulting and field ownership need. */
import { forbidden, invalid, isObject, required } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { completeness, isIntOrStringChoice, valueProblems } from "./combinations.ts";
import { isEmbedded, isIntOrString, preserves, type SchemaProps } from "./schema-props.ts";

type Level = "root" | "item" | "field";

const places: Readonly<Record<Level, string>> = {
  root: "at the root",
  item: "for specified array items",
  field: "for specified object fields",
};

/** Errors sorted by their texts, as in Kubernetes. */
export function structuralProblems(schema: SchemaProps, path: string): FieldError[] {
  const errors: FieldError[] = [];
  invariants(schema, path, "root", errors);
  completeness(schema, schema, path, path, errors);
  const text = ({ field, message }: FieldError): string => `${field}: ${message}`;
  return errors.sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

/** A keyword without a structural equivalent; the whole schema is unusable then. */
export function unstructurable(schema: SchemaProps): boolean {
  if (Array.isArray(schema.items) || schema["x-kubernetes-preserve-unknown-fields"] === false) return true;
  for (const name of [
    "id",
    "$schema",
    "$ref",
    "patternProperties",
    "dependencies",
    "additionalItems",
    "definitions",
  ])
    if (schema[name] !== undefined && schema[name] !== "") return true;
  return partsOf(schema).some(unstructurable);
}

/** The direct subschemas of a schema. */
export function partsOf(schema: SchemaProps): SchemaProps[] {
  const { items, not, additionalProperties: values } = schema;
  return [
    ...Object.values(schema.properties ?? {}),
    ...(items ? [items] : []),
    ...(not ? [not] : []),
    ...(isObject(values) ? [values] : []),
    ...(schema.allOf ?? []),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
  ];
}

function invariants(schema: SchemaProps, path: string, level: Level, errors: FieldError[]): void {
  if (schema.type === "array" && !schema.items) errors.push(required(`${path}.items`, "must be specified"));
  if (schema.items) invariants(schema.items, `${path}.items`, "item", errors);
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    invariants(inner, `${path}.properties[${name}]`, "field", errors);
  const values = schema.additionalProperties;
  if (values !== undefined) {
    if (level === "root")
      errors.push(forbidden(`${path}.additionalProperties`, "must not be used at the root"));
    if (isObject(values)) invariants(values as SchemaProps, `${path}.additionalProperties`, "field", errors);
  }
  if (isIntOrString(schema)) {
    for (const member of ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"])
      if (schema[member] === true)
        errors.push(
          invalid(`${path}.${member}`, true, "must be false if x-kubernetes-int-or-string is true"),
        );
  }
  valueProblems(
    schema,
    path,
    isIntOrStringChoice(schema.anyOf),
    isIntOrStringChoice(schema.allOf?.[0]?.anyOf),
    errors,
  );
  checkType(schema, path, level, errors);
  checkIdentity(schema, path, level, errors);
}

function checkType(schema: SchemaProps, path: string, level: Level, errors: FieldError[]): void {
  const { type = "" } = schema;
  if (isEmbedded(schema) && type !== "object") {
    const text = "must be object if x-kubernetes-embedded-resource is true";
    errors.push(type === "" ? required(`${path}.type`, text) : invalid(`${path}.type`, type, text));
  } else if (type === "" && !isIntOrString(schema) && !preserves(schema)) {
    errors.push(required(`${path}.type`, `must not be empty ${places[level]}`));
  }
  if (isEmbedded(schema) && schema.additionalProperties !== undefined)
    errors.push(
      forbidden(`${path}.additionalProperties`, "must not be used if x-kubernetes-embedded-resource is set"),
    );
  if (level === "root" && type !== "" && type !== "object")
    errors.push(invalid(`${path}.type`, type, "must be object at the root"));
}

/** The types of kind, apiVersion and metadata are fixed. */
function checkIdentity(schema: SchemaProps, path: string, level: Level, errors: FieldError[]): void {
  const { properties = {} } = schema;
  const whole = level === "root" || isEmbedded(schema);
  const typed = (name: string, type: string): void => {
    const found = properties[name];
    if (whole && found && found.type !== type)
      errors.push(invalid(`${path}.properties[${name}].type`, found.type ?? "", `must be ${type}`));
  };
  typed("kind", "string");
  typed("apiVersion", "string");
  typed("metadata", "object");
  if (level === "root" && properties.metadata && saysMore(properties.metadata))
    errors.push(
      forbidden(
        `${path}.properties[metadata]`,
        "must not specify anything other than name and generateName, but metadata is implicitly specified",
      ),
    );
  if (isEmbedded(schema) && !preserves(schema) && Object.keys(properties).length === 0)
    errors.push(
      required(
        `${path}.properties`,
        "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
      ),
    );
}

/** Only the names in metadata may be restricted. */
function saysMore(metadata: SchemaProps): boolean {
  const { type: _type, default: _default, properties = {}, ...rest } = metadata;
  const others = Object.keys(properties).some((name) => name !== "name" && name !== "generateName");
  return others || Object.keys(rest).length > 0;
}
