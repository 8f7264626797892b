/** Set and map lists (x-kubernetes-list-type) have unique values or keys. */
import { duplicate, duplicateShown, goFloat, invalid, isObject, stableJson } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { memberOf, ownMember, type SchemaProps } from "./schema-props.ts";

/** Duplicate items, reported once each. */
export function listProblems(schema: SchemaProps, value: unknown, path: string): FieldError[] {
  const errors: FieldError[] = [];
  visit(schema, value, path, errors);
  return errors;
}

function visit(schema: SchemaProps, value: unknown, path: string, errors: FieldError[]): void {
  if (Array.isArray(value)) {
    checkList(schema, value, path, errors);
    const { items } = schema;
    if (items) value.forEach((each, i) => visit(items, each, `${path}[${i}]`, errors));
  } else if (isObject(value)) {
    for (const name of Object.keys(value).sort()) {
      const inner = memberOf(schema, name);
      const declared = ownMember(schema.properties, name) !== undefined;
      const here = declared ? (path === "" ? name : `${path}.${name}`) : `${path}[${name}]`;
      if (inner) visit(inner, value[name], here, errors);
    }
  }
}

function checkList(schema: SchemaProps, value: readonly unknown[], path: string, errors: FieldError[]): void {
  const kind = schema["x-kubernetes-list-type"];
  if (kind === "set") checkOnce(value, path, errors);
  if (kind !== "map") return;
  const foreign = value.findIndex((each) => each !== null && !isObject(each));
  if (foreign >= 0) {
    const text = "must be an object for an array of list-type map";
    errors.push(invalid(`${path}[${foreign}]`, value[foreign], text));
    return;
  }
  // Go prints maps sorted by key.
  const names = [...(schema["x-kubernetes-list-map-keys"] ?? [])].sort();
  checkOnce(
    value.map((each) =>
      Object.fromEntries(
        names
          .filter((name) => isObject(each) && Object.hasOwn(each, name))
          .map((name) => [name, (each as Record<string, unknown>)[name]]),
      ),
    ),
    path,
    errors,
  );
}

function checkOnce(values: readonly unknown[], path: string, errors: FieldError[]): void {
  const seen = new Map<string, number>();
  values.forEach((each, i) => {
    const text = stableJson(distinct(each));
    const times = seen.get(text) ?? 0;
    seen.set(text, times + 1);
    if (times !== 1) return;
    const at = `${path}[${i}]`;
    errors.push(typeof each === "number" ? duplicateShown(at, goFloat(each)) : duplicate(at, each));
  });
}

/** With floating-point numbers, which never equal integers. */
function distinct(value: unknown): unknown {
  if (typeof value === "number") return { float: value };
  if (Array.isArray(value)) return value.map(distinct);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, distinct(each)]));
}
