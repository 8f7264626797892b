/** Validates a custom resource by its schema; texts are those of Kubernetes' OpenAPI validation. */
import {
  compileRegexp,
  deepEqual,
  forbidden,
  invalid,
  isObject,
  goFloat,
  notSupported,
  notSupportedShown,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { Correlated } from "./correlated.ts";
import { formatProblem } from "./formats.ts";
import { closest, Judge, type Validators } from "./match-count.ts";
import { asDecoded } from "./decoded.ts";
import { checkNumber, formatOf, isLong, isWhole, noField } from "./numbers.ts";
import { isIntOrString, memberOf, ownMember, preserves, type SchemaProps } from "./schema-props.ts";

/** Both versions of an object are converted to this; the previous form does not matter. */
const typeMeta = new Set(["apiVersion", "kind"]);

/** Schemas with invalid patterns are rejected when they are stored. */
function matches(pattern: string, value: string): boolean {
  const regexp = compileRegexp(pattern);
  return typeof regexp !== "string" && regexp.test(value);
}

const typeName = (value: unknown): string => {
  if (Array.isArray(value)) return "array";
  if (value === null) return "null";
  // Longer ones are floating-point numbers in Go.
  if (typeof value === "bigint") return isLong(value) ? "integer" : "number";
  return typeof value;
};

/** A floating-point number with an integer value is an integer; all of these are exact. */
function fits(type: string, value: unknown): boolean {
  const found = typeName(value);
  if (found === type || (type === "number" && found === "integer")) return true;
  return type === "integer" && typeof value === "number" && isWhole(value);
}

/** Errors of a value by itself: texts contain its content, and also its path. */
export function validateAt(
  schema: SchemaProps,
  value: unknown,
  path: string,
  before?: Correlated,
): FieldError[] {
  return validateSchema(schema, value, "", false, before).map((each) => ({
    ...each,
    field: each.field === "" || each.field === noField ? path : `${path}.${each.field.replace(/^\./, "")}`,
  }));
}

/**
 * Returns all errors, members in alphabetical order. Validation continues after a wrong type. `before`: of an update; unchanged
 * invalid values may stay.
 */
export function validateSchema(
  schema: SchemaProps,
  value: unknown,
  path: string,
  root = false,
  before?: Correlated,
  judge = new Judge(validators),
): FieldError[] {
  const errors = mistakesOf(schema, value, path, root, before, judge);
  if (errors.length === 0 || before?.same) return [];
  return errors.length === 1 ? errors : once(errors);
}

/** Without duplicates, since texts contain the path. */
function once(errors: readonly FieldError[]): FieldError[] {
  const seen = new Set<string>();
  return errors.filter(({ field, message }) => {
    const text = `${field}\0${message}`;
    return !seen.has(text) && seen.add(text);
  });
}

function mistakesOf(
  schema: SchemaProps,
  value: unknown,
  path: string,
  root: boolean,
  before: Correlated | undefined,
  judge: Judge,
): FieldError[] {
  const errors: FieldError[] = [];
  if (value === null && root) return errors;
  checkType(schema, value, path, errors);
  if (value !== null) {
    checkCombinations(schema, value, path, errors, before, judge);
    if (typeof value === "string") checkString(schema, value, path, errors);
    else if (typeof value === "number" || typeof value === "bigint") checkNumber(schema, value, path, errors);
    else if (Array.isArray(value)) checkList(schema, value, path, errors, before, judge);
  }
  if (
    schema.enum &&
    !schema.enum.some((each) => deepEqual(asDecoded(each), value) || isConverted(each, value))
  ) {
    const choices = schema.enum.map((each) => (typeof each === "string" ? each : JSON.stringify(each)));
    errors.push(
      typeof value === "number"
        ? notSupportedShown(path, goFloat(value), choices)
        : notSupported(path, value, choices),
    );
  }
  if (isObject(value)) checkObject(schema, value, path, root, errors, before, judge);
  return errors;
}

/** Go converts a value to the type of an enumeration's item: 1.5 equals 1, and 97 equals "a". */
function isConverted(choice: unknown, value: unknown): boolean {
  if (typeof value !== "number" && typeof value !== "bigint") return false;
  if (typeof choice === "number" && Number.isInteger(choice)) return Math.trunc(Number(value)) === choice;
  // Floating-point numbers are converted to no text.
  if (typeof choice !== "string" || typeof value !== "bigint" || !isLong(value)) return false;
  const code = Number(value);
  const isCharacter = code >= 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return choice === (isCharacter ? String.fromCodePoint(code) : "\ufffd");
}

/** With a format, types are named by their base type. */
const formatName = (value: unknown): string =>
  typeName(value) === "integer" ? "int64" : typeName(value) === "number" ? "float64" : "";

function checkType(schema: SchemaProps, value: unknown, path: string, errors: FieldError[]): void {
  const types = isIntOrString(schema) ? ["integer", "string"] : schema.type ? [schema.type] : [];
  const format = formatOf(schema);
  if (value === null && (schema.nullable || types.length === 0)) return;
  if (
    types.length === 0
      ? format === undefined || formatName(value) === format
      : types.some((type) => fits(type, value))
  )
    return;
  const textual = typeof value === "string" || Array.isArray(value);
  if (format && textual && schema.type !== "integer" && schema.type !== "number") return;
  const byFormat = format !== undefined && !textual && value !== null;
  const found = byFormat ? formatName(value) : typeName(value);
  const wanted = byFormat ? format : types.join(",");
  errors.push(
    typeInvalid(path, found, `${path} in body must be of type ${wanted}: ${JSON.stringify(found)}`),
  );
}

function checkString(schema: SchemaProps, value: string, path: string, errors: FieldError[]): void {
  const length = [...value].length;
  // Only the first error of length and pattern is reported.
  if (schema.maxLength !== undefined && length > schema.maxLength)
    errors.push(tooLong(path, schema.maxLength));
  else if (schema.minLength !== undefined && length < schema.minLength)
    errors.push(invalid(path, value, `${path} in body should be at least ${schema.minLength} chars long`));
  else if (schema.pattern && !matches(schema.pattern, value))
    errors.push(invalid(path, value, `${path} in body should match '${schema.pattern}'`));
  if (schema.format && formatProblem(schema.format, value))
    errors.push(
      typeInvalid(path, value, `${path} in body must be of type ${schema.format}: ${JSON.stringify(value)}`),
    );
}

function checkList(
  schema: SchemaProps,
  value: readonly unknown[],
  path: string,
  errors: FieldError[],
  before: Correlated | undefined,
  judge: Judge,
): void {
  if (schema.items)
    value.forEach((each, i) =>
      errors.push(
        ...validateSchema(schema.items as SchemaProps, each, `${path}[${i}]`, false, before?.item(i), judge),
      ),
    );
  if (schema.minItems !== undefined && value.length < schema.minItems)
    errors.push(invalid(path, value.length, `${path} in body should have at least ${schema.minItems} items`));
  if (schema.maxItems !== undefined && value.length > schema.maxItems)
    errors.push(tooMany(path, value.length, schema.maxItems));
}

function checkObject(
  schema: SchemaProps,
  value: Record<string, unknown>,
  path: string,
  root: boolean,
  errors: FieldError[],
  before: Correlated | undefined,
  judge: Judge,
): void {
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const count = Object.keys(value).length;
  if (schema.minProperties !== undefined && count < schema.minProperties)
    errors.push(
      invalid(path, count, `${path} in body should have at least ${schema.minProperties} properties`),
    );
  if (schema.maxProperties !== undefined && count > schema.maxProperties)
    errors.push(tooMany(path, count, schema.maxProperties));
  for (const name of Object.keys(value).sort()) {
    const inner = memberOf(schema, name);
    if (inner)
      errors.push(
        ...validateSchema(
          inner,
          value[name],
          ownMember(schema.properties, name) ? at(name) : `${path}.${name}`,
          false,
          root && typeMeta.has(name) ? undefined : before?.member(name),
          judge,
        ),
      );
    else if (!preserves(schema) && schema.additionalProperties === false)
      errors.push(forbidden(at(name), `${path} in body is a forbidden property`));
  }
  for (const name of schema.required ?? [])
    if (ownMember(value, name) === undefined) errors.push(required(at(name)));
}

const validators: Validators = {
  typeFits(schema, value) {
    const errors: FieldError[] = [];
    checkType(schema, value, "", errors);
    return errors.length === 0;
  },
  isValid: (schema, value, judge) => mistakesOf(schema, value, "", false, undefined, judge).length === 0,
};

/** Errors of the value itself come first, then those of the best matching alternative. */
function checkCombinations(
  schema: SchemaProps,
  value: unknown,
  path: string,
  errors: FieldError[],
  before: Correlated | undefined,
  judge: Judge,
): void {
  // What is as it was counts for the parts of the value here, not for the value: that is for who asks.
  const mistakes = (each: SchemaProps): FieldError[] => {
    const found = mistakesOf(each, value, path, false, before, judge);
    if (!before) judge.found(each, value, found.length === 0);
    return found;
  };
  const said = (text: string): void => {
    errors.push(invalid(noField, "", `${JSON.stringify(path)} ${text}`));
  };
  const { anyOf = [], oneOf = [], allOf = [], not } = schema;
  if (anyOf.length > 0) {
    const found = anyOf.map(mistakes);
    if (!found.some((each) => each.length === 0)) {
      said("must validate at least one schema (anyOf)");
      errors.push(...(found[closest(anyOf, value, judge)] ?? []));
    }
  }
  if (oneOf.length > 0) {
    const found = oneOf.map(mistakes);
    const count = found.filter((each) => each.length === 0).length;
    const only = "must validate one and only one schema (oneOf). Found";
    if (count === 0) {
      said(`${only} none valid`);
      errors.push(...(found[closest(oneOf, value, judge)] ?? []));
    } else if (count > 1) said(`${only} ${count} valid alternatives`);
  }
  if (allOf.length > 0) {
    const found = allOf.map(mistakes);
    const valid = found.filter((each) => each.length === 0).length;
    errors.push(...found.flat());
    if (valid < allOf.length)
      said(`must validate all the schemas (allOf)${valid === 0 ? ". None validated" : ""}`);
  }
  if (not && mistakes(not).length === 0) said("must not validate the schema (not)");
}
