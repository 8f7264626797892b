/** Rules for allOf, anyOf, oneOf and not in structural schemas: they may restrict values, but not declare fields. */
import { forbidden, invalid, regexpProblem, required } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { ownMember, type SchemaProps } from "./schema-props.ts";

/** Keywords that declare fields, with the error where they are forbidden. */
const declarations: readonly [member: string, text: string][] = [
  ["type", "must be empty to be structural"],
  ["additionalProperties", "must be undefined to be structural"],
  ["default", "must be undefined to be structural"],
  ["title", "must be empty to be structural"],
  ["description", "must be empty to be structural"],
  ["nullable", "must be false to be structural"],
  ["x-kubernetes-preserve-unknown-fields", "must be false to be structural"],
  ["x-kubernetes-embedded-resource", "must be false to be structural"],
  ["x-kubernetes-int-or-string", "must be false to be structural"],
  ["x-kubernetes-list-map-keys", "must be empty to be structural"],
  ["x-kubernetes-list-type", "must be undefined to be structural"],
  ["x-kubernetes-map-type", "must be undefined to be structural"],
  ["x-kubernetes-validations", "must be empty to be structural"],
];

const isSet = (value: unknown): boolean =>
  value !== undefined && value !== "" && value !== false && !(Array.isArray(value) && value.length === 0);

/** `integer` or `string` exactly: the only types allowed in a combination. */
export const isIntOrStringChoice = (given: readonly SchemaProps[] | undefined): boolean =>
  given?.length === 2 &&
  given.every((each) => Object.keys(each).length === 1) &&
  given[0]?.type === "integer" &&
  given[1]?.type === "string";

/** Errors in the restrictions of a schema. `choice`: its anyOf is the exception above; `firstChoice`: that of allOf[0]. */
export function valueProblems(
  schema: SchemaProps,
  path: string,
  choice: boolean,
  firstChoice: boolean,
  errors: FieldError[],
): void {
  if (!choice) schema.anyOf?.forEach((each, i) => nested(each, `${path}.anyOf[${i}]`, false, errors));
  schema.allOf?.forEach((each, i) => nested(each, `${path}.allOf[${i}]`, firstChoice && i === 0, errors));
  schema.oneOf?.forEach((each, i) => nested(each, `${path}.oneOf[${i}]`, false, errors));
  if (schema.not) nested(schema.not, `${path}.not`, false, errors);
  const problem = schema.pattern ? regexpProblem(schema.pattern) : undefined;
  if (problem)
    errors.push(
      invalid(`${path}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${problem}`),
    );
}

function nested(schema: SchemaProps, path: string, choice: boolean, errors: FieldError[]): void {
  valueProblems(schema, path, choice, false, errors);
  if (schema.items) nested(schema.items, `${path}.items`, false, errors);
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    nested(inner, `${path}.properties[${name}]`, false, errors);
  for (const [member, text] of declarations)
    if (isSet(schema[member])) errors.push(forbidden(`${path}.${member}`, text));
  if (schema.properties?.metadata)
    errors.push(forbidden(`${path}.properties[metadata]`, "must not be specified in a nested context"));
}

/** Fields in a combination must be declared outside of it. */
export function completeness(
  restricting: SchemaProps,
  declared: SchemaProps,
  declaredAt: string,
  at: string,
  errors: FieldError[],
): void {
  if (restricting.not) inCombination(restricting.not, declared, declaredAt, `${at}.not`, errors);
  for (const name of ["allOf", "anyOf", "oneOf"] as const)
    restricting[name]?.forEach((inner, i) =>
      inCombination(inner, declared, declaredAt, `${at}.${name}[${i}]`, errors),
    );
}

function inCombination(
  restricting: SchemaProps,
  declared: SchemaProps | undefined,
  declaredAt: string,
  at: string,
  errors: FieldError[],
): void {
  if (!declared) {
    errors.push(required(declaredAt, `because it is defined in ${at}`));
    return;
  }
  completeness(restricting, declared, declaredAt, at, errors);
  const { items } = restricting;
  if (items) inCombination(items, declared.items, `${declaredAt}.items`, `${at}.items`, errors);
  for (const [name, inner] of Object.entries(restricting.properties ?? {})) {
    const member = `properties[${name}]`;
    const known = ownMember(declared.properties, name);
    inCombination(inner, known, `${declaredAt}.${member}`, `${at}.${member}`, errors);
  }
}
