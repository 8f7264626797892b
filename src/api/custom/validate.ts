/** Holds a custom resource against its schema; texts are those of Kubernetes' OpenAPI validation. */
import {
  deepEqual,
  duplicate,
  forbidden,
  invalid,
  isObject,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { formatProblem } from "./formats.ts";
import { isEmbedded, isIntOrString, memberOf, preserves, type SchemaProps } from "./schema-props.ts";

const identity = new Set(["apiVersion", "kind", "metadata"]);

/** Patterns are compiled once; a schema whose pattern does not compile is refused when it is stored. */
const patterns = new Map<string, RegExp>();

export function patternOf(text: string): RegExp {
  let pattern = patterns.get(text);
  if (!pattern) {
    // Code points only where the pattern speaks of them: V8's engine of linear time takes no other Unicode patterns.
    const unicode = /\\[pP]\{|[\u{10000}-\u{10ffff}]/u.test(text);
    pattern = new RegExp(text.replaceAll("\\A", "^").replaceAll("\\z", "$"), unicode ? "u" : "");
    patterns.set(text, pattern);
  }
  return pattern;
}

const typeName = (value: unknown): string => {
  if (Array.isArray(value)) return "array";
  if (value === null) return "null";
  if (typeof value === "bigint") return "integer";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
};

function fits(type: string, value: unknown): boolean {
  const found = typeName(value);
  return found === type || (type === "number" && found === "integer");
}

/** The mistakes of a value by itself: texts name what is in it, fields also where it is. */
export function validateAt(schema: SchemaProps, value: unknown, path: string): FieldError[] {
  const glue = (field: string): string => (field === "" || field.startsWith("[") ? field : `.${field}`);
  return validateSchema(schema, value, "").map((each) => ({
    ...each,
    field: `${path}${glue(each.field)}`,
  }));
}

/** Every mistake, members in alphabetical order. */
export function validateSchema(
  schema: SchemaProps,
  value: unknown,
  path: string,
  root = false,
): FieldError[] {
  const errors: FieldError[] = [];
  if (value === null && (schema.nullable || root)) return errors;
  const types = isIntOrString(schema) ? ["integer", "string"] : schema.type ? [schema.type] : [];
  if (types.length > 0 && !types.some((type) => fits(type, value))) {
    const found = typeName(value);
    errors.push(
      typeInvalid(
        path,
        found,
        `${path} in body must be of type ${types.join(",")}: ${JSON.stringify(found)}`,
      ),
    );
    return errors;
  }
  if (typeof value === "string") checkString(schema, value, path, errors);
  else if (typeof value === "number" || typeof value === "bigint")
    checkNumber(schema, Number(value), path, errors);
  else if (Array.isArray(value)) checkList(schema, value, path, errors);
  else if (isObject(value)) checkObject(schema, value, path, root, errors);
  if (schema.enum && !schema.enum.some((each) => deepEqual(each, value)))
    errors.push(notSupported(path, value, schema.enum as string[]));
  checkCombinations(schema, value, path, errors);
  return errors;
}

function checkString(schema: SchemaProps, value: string, path: string, errors: FieldError[]): void {
  const length = [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength)
    errors.push(tooLong(path, schema.maxLength));
  if (schema.minLength !== undefined && length < schema.minLength)
    errors.push(invalid(path, value, `${path} in body should be at least ${schema.minLength} chars long`));
  if (schema.pattern && !patternOf(schema.pattern).test(value))
    errors.push(invalid(path, value, `${path} in body should match '${schema.pattern}'`));
  if (schema.format && formatProblem(schema.format, value))
    errors.push(
      invalid(path, value, `${path} in body must be of type ${schema.format}: ${JSON.stringify(value)}`),
    );
}

function checkNumber(schema: SchemaProps, value: number, path: string, errors: FieldError[]): void {
  const { minimum, maximum, multipleOf } = schema;
  if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum))
    errors.push(
      invalid(
        path,
        value,
        `${path} in body should be less than ${schema.exclusiveMaximum ? "" : "or equal to "}${maximum}`,
      ),
    );
  if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum))
    errors.push(
      invalid(
        path,
        value,
        `${path} in body should be greater than ${schema.exclusiveMinimum ? "" : "or equal to "}${minimum}`,
      ),
    );
  if (multipleOf !== undefined && value % multipleOf !== 0)
    errors.push(invalid(path, value, `${path} in body should be a multiple of ${multipleOf}`));
}

function checkList(schema: SchemaProps, value: readonly unknown[], path: string, errors: FieldError[]): void {
  if (schema.minItems !== undefined && value.length < schema.minItems)
    errors.push(invalid(path, value.length, `${path} in body should have at least ${schema.minItems} items`));
  if (schema.maxItems !== undefined && value.length > schema.maxItems)
    errors.push(tooMany(path, value.length, schema.maxItems));
  if (schema.items)
    value.forEach((each, i) =>
      errors.push(...validateSchema(schema.items as SchemaProps, each, `${path}[${i}]`)),
    );
  checkRepeated(schema, value, path, errors);
}

/** Sets hold a value once, maps an item per key. */
function checkRepeated(
  schema: SchemaProps,
  value: readonly unknown[],
  path: string,
  errors: FieldError[],
): void {
  const kind = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (kind !== "set" && kind !== "map") return;
  const seen = new Set<string>();
  value.forEach((each, i) => {
    const identity =
      kind === "set" || !isObject(each)
        ? each
        : Object.fromEntries(keys.map((key) => [key, each[key] ?? schema.items?.properties?.[key]?.default]));
    const text = JSON.stringify(identity) ?? "";
    if (seen.has(text)) errors.push(duplicate(`${path}[${i}]`, identity));
    seen.add(text);
  });
}

function checkObject(
  schema: SchemaProps,
  value: Record<string, unknown>,
  path: string,
  root: boolean,
  errors: FieldError[],
): void {
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const whole = root || isEmbedded(schema);
  const count = Object.keys(value).length;
  if (schema.minProperties !== undefined && count < schema.minProperties)
    errors.push(
      invalid(path, count, `${path} in body should have at least ${schema.minProperties} properties`),
    );
  if (schema.maxProperties !== undefined && count > schema.maxProperties)
    errors.push(tooMany(path, count, schema.maxProperties));
  for (const name of schema.required ?? []) if (value[name] === undefined) errors.push(required(at(name)));
  for (const name of Object.keys(value).sort()) {
    if (whole && identity.has(name)) continue;
    const inner = memberOf(schema, name);
    if (inner) errors.push(...validateSchema(inner, value[name], at(name)));
    else if (!preserves(schema) && schema.additionalProperties === false)
      errors.push(forbidden(at(name), `${path} in body is a forbidden property`));
  }
  if (!isEmbedded(schema)) return;
  for (const name of ["apiVersion", "kind"])
    if (typeof value[name] !== "string" || value[name] === "")
      errors.push(required(at(name), "must not be empty"));
}

function checkCombinations(schema: SchemaProps, value: unknown, path: string, errors: FieldError[]): void {
  const passes = (each: SchemaProps): boolean => validateSchema(each, value, path).length === 0;
  const said = (text: string): void => {
    errors.push(invalid(path, "", text));
  };
  if (schema.anyOf && schema.anyOf.length > 0 && !schema.anyOf.some(passes)) {
    errors.push(...validateSchema(schema.anyOf[0] as SchemaProps, value, path));
    said(`${path} in body must validate at least one schema (anyOf)`);
  }
  if (schema.oneOf && schema.oneOf.length > 0) {
    const count = schema.oneOf.filter(passes).length;
    if (count === 0) said(`${path} in body must validate one and only one schema (oneOf). Found none valid`);
    else if (count > 1)
      said(
        `${path} in body must validate one and only one schema (oneOf). Found ${count} valid alternatives`,
      );
  }
  if (schema.allOf) {
    const found = schema.allOf.flatMap((each) => validateSchema(each, value, path));
    if (found.length > 0) {
      errors.push(...found);
      said(`${path} in body must validate all the schemas (allOf)`);
    }
  }
  if (schema.not && passes(schema.not)) said(`${path} in body must not validate the schema (not)`);
}
