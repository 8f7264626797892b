/** What makes a schema structural: the rules without which nothing can be pruned, defaulted or owned field by field. */
import { forbidden, invalid, isObject, notSupported, required } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { applyDefaults, prune } from "./prune.ts";
import { isEmbedded, isIntOrString, preserves, type SchemaProps } from "./schema-props.ts";
import { patternOf, validateSchema } from "./validate.ts";

const types = ["array", "boolean", "integer", "number", "object", "string"];

export function structuralProblems(schema: SchemaProps, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.type === undefined || schema.type === "")
    errors.push(required(`${path}.type`, "must not be empty at the root"));
  else if (schema.type !== "object")
    errors.push(invalid(`${path}.type`, schema.type, "must be object at the root"));
  level(schema, path, true, false, errors);
  return errors;
}

function level(schema: SchemaProps, path: string, root: boolean, item: boolean, errors: FieldError[]): void {
  if (!root) checkType(schema, path, item, errors);
  else if (schema.nullable) errors.push(forbidden(`${path}.nullable`, "nullable cannot be true at the root"));
  checkPlain(schema, path, errors);
  if (schema.properties && schema.additionalProperties !== undefined)
    errors.push(
      forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive"),
    );
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    level(inner, `${path}.properties[${name}]`, false, false, errors);
  if (isObject(schema.additionalProperties))
    level(schema.additionalProperties, `${path}.additionalProperties`, false, false, errors);
  if (schema.type === "array" && !schema.items) errors.push(required(`${path}.items`, "must be specified"));
  if (schema.items) level(schema.items, `${path}.items`, false, true, errors);
  for (const name of ["allOf", "anyOf", "oneOf"] as const)
    schema[name]?.forEach((each, i) =>
      combination(each, `${path}.${name}[${i}]`, isIntOrString(schema), errors),
    );
  if (schema.not) combination(schema.not, `${path}.not`, false, errors);
  checkDefault(schema, path, root, errors);
}

function checkType(schema: SchemaProps, path: string, item: boolean, errors: FieldError[]): void {
  if (schema.type) {
    if (!types.includes(schema.type)) errors.push(notSupported(`${path}.type`, schema.type, types));
    if (isIntOrString(schema))
      errors.push(forbidden(`${path}.type`, "must be empty if x-kubernetes-int-or-string is true"));
    return;
  }
  if (isIntOrString(schema) || preserves(schema)) return;
  errors.push(
    required(`${path}.type`, `must not be empty for specified ${item ? "array items" : "object fields"}`),
  );
}

function checkPlain(schema: SchemaProps, path: string, errors: FieldError[]): void {
  for (const name of [
    "definitions",
    "dependencies",
    "id",
    "patternProperties",
    "externalDocs",
    "$ref",
    "deprecated",
    "discriminator",
    "readOnly",
    "writeOnly",
    "xml",
  ])
    if (schema[name] !== undefined && schema[name] !== "" && schema[name] !== false)
      errors.push(forbidden(`${path}.${name}`, `${name} is not supported`));
  if (schema.uniqueItems)
    errors.push(
      forbidden(
        `${path}.uniqueItems`,
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  if (schema.additionalProperties === false)
    errors.push(forbidden(`${path}.additionalProperties`, "additionalProperties cannot be set to false"));
  if (schema.pattern) {
    try {
      if (/\(\?[=!<]/.test(schema.pattern.replaceAll("(?P<", "("))) throw new Error("lookaround");
      patternOf(schema.pattern);
    } catch {
      errors.push(
        invalid(
          `${path}.pattern`,
          schema.pattern,
          `must be a valid regular expression, but isn't: error parsing regexp`,
        ),
      );
    }
  }
  if (isEmbedded(schema) && schema.type !== "object")
    errors.push(
      invalid(`${path}.type`, schema.type ?? "", "must be object if x-kubernetes-embedded-resource is true"),
    );
  const list = schema["x-kubernetes-list-type"];
  if (list !== undefined) {
    if (schema.type !== "array")
      errors.push(
        invalid(`${path}.type`, schema.type ?? "", "must be array if x-kubernetes-list-type is specified"),
      );
    if (!["atomic", "set", "map"].includes(list))
      errors.push(notSupported(`${path}.x-kubernetes-list-type`, list, ["atomic", "map", "set"]));
    const keys = schema["x-kubernetes-list-map-keys"] ?? [];
    if (list === "map" && keys.length === 0)
      errors.push(
        required(`${path}.x-kubernetes-list-map-keys`, "must not be empty if x-kubernetes-list-type is map"),
      );
    if (list === "map" && schema.items?.type !== "object")
      errors.push(
        invalid(
          `${path}.items.type`,
          schema.items?.type ?? "",
          "must be object if parent array's x-kubernetes-list-type is map",
        ),
      );
    for (const [i, key] of keys.entries()) {
      const field = schema.items?.properties?.[key];
      if (!field)
        errors.push(
          invalid(
            `${path}.x-kubernetes-list-map-keys[${i}]`,
            key,
            "entries must all be names of item properties",
          ),
        );
      else if (field.default === undefined && !schema.items?.required?.includes(key))
        errors.push(
          required(
            `${path}.items.properties[${key}].default`,
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
          ),
        );
    }
  }
  const map = schema["x-kubernetes-map-type"];
  if (map !== undefined && map !== "atomic" && map !== "granular")
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, map, ["atomic", "granular"]));
}

/** Inside a combination only values may be restricted; what a field is stands outside. */
function combination(schema: SchemaProps, path: string, intOrString: boolean, errors: FieldError[]): void {
  for (const name of [
    "type",
    "description",
    "title",
    "default",
    "nullable",
    "additionalProperties",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
  ]) {
    const value = schema[name];
    if (value === undefined || value === "" || value === false) continue;
    if (name === "type" && intOrString) continue;
    errors.push(forbidden(`${path}.${name}`, "must be empty to be structural"));
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    combination(inner, `${path}.properties[${name}]`, false, errors);
  if (schema.items) combination(schema.items, `${path}.items`, false, errors);
  for (const name of ["allOf", "anyOf", "oneOf"] as const)
    schema[name]?.forEach((each, i) => combination(each, `${path}.${name}[${i}]`, intOrString, errors));
  if (schema.not) combination(schema.not, `${path}.not`, false, errors);
}

/** A default must be what the schema lets in, without anything it would prune. */
function checkDefault(schema: SchemaProps, path: string, root: boolean, errors: FieldError[]): void {
  if (schema.default === undefined) return;
  if (root) {
    errors.push(forbidden(`${path}.default`, "must not be set at the root"));
    return;
  }
  const copy = structuredClone(schema.default);
  if (prune(schema, copy, false).length > 0)
    errors.push(invalid(`${path}.default`, schema.default, "must not have unknown fields"));
  applyDefaults(schema, copy);
  errors.push(...validateSchema(schema, copy, `${path}.default`));
}
