/** Validation of embedded objects in custom resources (x-kubernetes-embedded-resource). */
import { invalid, isDns1035Label, isObject, isPathSegmentName, required } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { ObjectMeta } from "../meta.ts";
import { validateMeta } from "../metadata.ts";
import { isEmbedded, memberOf, ownMember, type SchemaProps } from "./schema-props.ts";

/** Errors in kind, version and metadata of embedded objects in `value`, which itself may be one by its schema. */
export function embeddedProblems(schema: SchemaProps, value: unknown, path: string): FieldError[] {
  const errors: FieldError[] = [];
  visit(schema, value, path, errors);
  return errors;
}

const at = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);

function visit(schema: SchemaProps, value: unknown, path: string, errors: FieldError[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) value.forEach((each, i) => visit(items, each, `${path}[${i}]`, errors));
    return;
  }
  if (!isObject(value)) return;
  if (isEmbedded(schema)) checkObject(value, path, errors);
  for (const name of Object.keys(value)) {
    const inner = memberOf(schema, name);
    const declared = ownMember(schema.properties, name) !== undefined;
    if (inner) visit(inner, value[name], declared ? at(path, name) : `${path}[${name}]`, errors);
  }
}

function checkObject(value: Record<string, unknown>, path: string, errors: FieldError[]): void {
  const { apiVersion, kind, metadata } = value;
  if (apiVersion === undefined) errors.push(required(at(path, "apiVersion")));
  if (kind === undefined) errors.push(required(at(path, "kind")));
  const text = (name: string, given: unknown): given is string => {
    if (given === undefined) return false;
    if (typeof given !== "string") errors.push(invalid(at(path, name), given, "must be a string"));
    else if (given === "") errors.push(invalid(at(path, name), given, "must not be empty"));
    else return true;
    return false;
  };
  if (text("apiVersion", apiVersion) && apiVersion.split("/").length > 2)
    errors.push(invalid(at(path, "apiVersion"), apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  if (text("kind", kind)) {
    const problems = isDns1035Label(kind.toLowerCase());
    if (problems.length > 0)
      errors.push(
        invalid(
          at(path, "kind"),
          kind,
          `may have mixed case, but should otherwise match: ${problems.join(",")}`,
        ),
      );
  }
  if (!isObject(metadata)) return;
  const named = { ...(metadata as ObjectMeta) };
  named.name ||= "fakename";
  errors.push(
    ...validateMeta(
      named,
      {
        namespaced: named.namespace !== undefined && named.namespace !== "",
        nameRule: isPathSegmentName,
        finalizers: "any",
      },
      at(path, "metadata"),
    ),
  );
}
