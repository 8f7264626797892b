/** The subset of OpenAPI that Kubernetes allows in schemas of custom resources. */
import { forbidden, invalid, invalidOften, isObject, notSupported, required } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { followPath } from "./field-path.ts";
import { isEmbedded, ownMember, type SchemaProps } from "./schema-props.ts";

const types = ["array", "boolean", "integer", "number", "object", "string"];
const identity = new Set(["metadata", "kind", "apiVersion"]);

interface Place {
  /** Why defaults are forbidden here; undefined where they are allowed. */
  noDefaults?: string;
  /** Inside kind, apiVersion or metadata. */
  inMetadata?: boolean;
}

/** The errors of a schema at all levels. */
export function schemaProblems(schema: SchemaProps, path: string): FieldError[] {
  const errors: FieldError[] = [];
  visit(schema, path, true, {}, errors);
  return errors;
}

function visit(schema: SchemaProps, path: string, root: boolean, place: Place, errors: FieldError[]): void {
  unsupported(schema, path, place, errors);
  if (schema.uniqueItems)
    errors.push(
      forbidden(
        `${path}.uniqueItems`,
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  const down = (inner: unknown, at: string, where: Place = place): void => {
    if (isObject(inner)) visit(inner as SchemaProps, `${path}.${at}`, false, where, errors);
  };
  const values = schema.additionalProperties;
  if (values !== undefined) {
    if (Object.keys(schema.properties ?? {}).length > 0 && values !== true)
      errors.push(
        forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive"),
      );
    const noDefaults = "inside additionalProperties applying to object metadata";
    down(values, "additionalProperties", place.inMetadata ? { ...place, noDefaults } : place);
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const meta = (root || isEmbedded(schema)) && identity.has(name);
    const where: Place = meta
      ? { ...place, inMetadata: true, ...(root ? { noDefaults: `in top-level ${name}` } : {}) }
      : place;
    down(inner, `properties[${name}]`, where);
  }
  down(schema.not, "not");
  for (const name of ["allOf", "oneOf", "anyOf"] as const)
    schema[name]?.forEach((each, i) => down(each, `${name}[${i}]`));
  for (const [name, inner] of Object.entries((schema.definitions as object | undefined) ?? {}))
    down(inner, `definitions[${name}]`);
  if (Array.isArray(schema.items)) schema.items.forEach((each, i) => down(each, `items[${i}]`));
  else down(schema.items, "items");
  for (const [name, inner] of Object.entries((schema.dependencies as object | undefined) ?? {}))
    down(inner, `dependencies[${name}]`);
  extensions(schema, path, errors);
  (schema["x-kubernetes-validations"] ?? []).forEach((_rule, i) => ruleProblems(schema, i, path, errors));
}

function unsupported(schema: SchemaProps, path: string, place: Place, errors: FieldError[]): void {
  if (schema.type && !types.includes(schema.type))
    errors.push(notSupported(`${path}.type`, schema.type, types));
  if (schema.default !== undefined && place.noDefaults !== undefined)
    errors.push(forbidden(`${path}.default`, `must not be set ${place.noDefaults}`));
  for (const name of ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"])
    if (schema[name] !== undefined && schema[name] !== "")
      errors.push(forbidden(`${path}.${name}`, `${name} is not supported`));
  if (schema.type === "null")
    errors.push(forbidden(`${path}.type`, "type cannot be set to null, use nullable as an alternative"));
  if (Array.isArray(schema.items))
    errors.push(forbidden(`${path}.items`, "items must be a schema object and not an array"));
  if (place.inMetadata && isEmbedded(schema))
    errors.push(
      forbidden(`${path}.x-kubernetes-embedded-resource`, "must not be used inside of resource meta"),
    );
}

function extensions(schema: SchemaProps, path: string, errors: FieldError[]): void {
  if (schema["x-kubernetes-preserve-unknown-fields"] === false)
    errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined"));
  const typed = (text: string): void => {
    const { type } = schema;
    errors.push(type ? invalid(`${path}.type`, type, text) : required(`${path}.type`, text));
  };
  const map = schema["x-kubernetes-map-type"];
  if (map !== undefined && schema.type !== "object")
    typed("must be object if x-kubernetes-map-type is specified");
  if (map !== undefined && map !== "atomic" && map !== "granular")
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, map, ["atomic", "granular"]));
  const list = schema["x-kubernetes-list-type"];
  if (list !== undefined && schema.type !== "array")
    typed("must be array if x-kubernetes-list-type is specified");
  else if (list === "set" && schema.items) checkSetItems(schema.items, `${path}.items`, errors);
  if (list !== undefined && !["atomic", "set", "map"].includes(list))
    errors.push(notSupported(`${path}.x-kubernetes-list-type`, list, ["atomic", "set", "map"]));
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const mapOnly = "must be map if x-kubernetes-list-map-keys is non-empty";
  if (keys.length > 0 && list === undefined) errors.push(required(`${path}.x-kubernetes-list-type`, mapOnly));
  else if (keys.length > 0 && list !== "map")
    errors.push(invalid(`${path}.x-kubernetes-list-type`, list, mapOnly));
  if (list === "map") checkMapList(schema, keys, path, errors);
  if ((list === "map" || list === "set") && schema.items && !Array.isArray(schema.items))
    checkNullable(schema.items, list, keys, `${path}.items`, errors);
}

/** Items of a set are compared as a whole. */
function checkSetItems(items: SchemaProps, path: string, errors: FieldError[]): void {
  const text = "must be atomic as item of a list with x-kubernetes-list-type=set";
  const list = items["x-kubernetes-list-type"];
  if (items.type === "array" && list !== undefined && list !== "atomic")
    errors.push(invalid(`${path}.x-kubernetes-list-type`, list, text));
  // The error shows the list type, as in Kubernetes.
  if (items.type === "object" && items["x-kubernetes-map-type"] !== "atomic")
    errors.push(invalid(`${path}.x-kubernetes-map-type`, list, text));
}

function checkMapList(
  schema: SchemaProps,
  keys: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  if (keys.length === 0)
    errors.push(
      required(`${path}.x-kubernetes-list-map-keys`, "must not be empty if x-kubernetes-list-type is map"),
    );
  const { items } = schema;
  if (!items) {
    errors.push(required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map"));
    return;
  }
  if (Array.isArray(items)) return;
  if (items.type !== "object") {
    errors.push(
      invalid(
        `${path}.items.type`,
        items.type ?? "",
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    );
    return;
  }
  const seen = new Set<string>();
  const wrong = invalidOften(`${path}.x-kubernetes-list-map-keys`, () => keys);
  for (const key of keys) {
    const field = ownMember(items.properties, key);
    if (!field) errors.push(wrong("entries must all be names of item properties"));
    else if (field.type === "array" || field.type === "object")
      errors.push(
        invalid(
          `${path}.items.properties[${key}].type`,
          items.type,
          "must be a scalar type if parent array's x-kubernetes-list-type is map",
        ),
      );
    if (seen.has(key)) errors.push(wrong("must not contain duplicate entries"));
    seen.add(key);
  }
}

/** Keys are required or defaulted, and items are not nullable. */
function checkNullable(
  items: SchemaProps,
  list: string,
  keys: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  if (items.nullable)
    errors.push(forbidden(`${path}.nullable`, `cannot be nullable when x-kubernetes-list-type is ${list}`));
  if (list !== "map") return;
  const needed = new Set(items.required);
  for (const key of keys) {
    const field = ownMember(items.properties, key);
    if (!field) continue;
    const at = `${path}.properties[${key}]`;
    const listed = "this property is in x-kubernetes-list-map-keys, so it";
    if (!needed.has(key) && field.default === undefined)
      errors.push(required(`${at}.default`, `${listed} must have a default or be a required property`));
    if (field.nullable) errors.push(forbidden(`${at}.nullable`, `${listed} cannot be nullable`));
  }
}

const reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
const breaks = (text: string): boolean => /[\n\r]/.test(text);

/** Errors of a rule that do not depend on its expression. */
function ruleProblems(schema: SchemaProps, i: number, path: string, errors: FieldError[]): void {
  const given = schema["x-kubernetes-validations"]?.[i];
  const { rule = "", message = "", messageExpression = "", reason, fieldPath = "" } = given ?? {};
  const at = `${path}.x-kubernetes-validations[${i}]`;
  if (rule.trim() === "") errors.push(required(`${at}.rule`, "rule is not specified"));
  else if (message !== "" && message.trim() === "")
    errors.push(invalid(`${at}.message`, message, "must be non-empty if specified"));
  else if (breaks(message.trim()))
    errors.push(invalid(`${at}.message`, message, "must not contain line breaks"));
  else if (breaks(rule.trim()) && message.trim() === "")
    errors.push(required(`${at}.message`, "message must be specified if rule contains line breaks"));
  if (messageExpression !== "" && messageExpression.trim() === "")
    errors.push(required(`${at}.messageExpression`, "messageExpression must be non-empty if specified"));
  if (reason !== undefined && !reasons.includes(reason))
    errors.push(notSupported(`${at}.reason`, reason, reasons));
  if (fieldPath === "") return;
  if (fieldPath.trim() === "")
    errors.push(invalid(`${at}.fieldPath`, fieldPath, "must be non-empty if specified"));
  if (breaks(fieldPath)) errors.push(invalid(`${at}.fieldPath`, fieldPath, "must not contain line breaks"));
  if (typeof followPath(fieldPath, schema, true) === "string")
    errors.push(invalid(`${at}.fieldPath`, fieldPath, "must be a valid path"));
}
