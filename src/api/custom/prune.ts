/** Takes out of a custom resource what its structural schema does not name, and fills in what it defaults. */
import { deepClone, isObject } from "../../machinery/index.ts";
import { isEmbedded, memberOf, preserves, type SchemaProps } from "./schema-props.ts";

const identity = new Set(["apiVersion", "kind", "metadata"]);

/** In place. Names what went, e.g. `spec.x`, `spec.list[0].y`. `root`: a whole object, whose identity stays. */
export function prune(
  schema: SchemaProps,
  value: unknown,
  root: boolean,
  path = "",
  gone: string[] = [],
): string[] {
  if (Array.isArray(value)) {
    if (schema.items)
      value.forEach((each, i) => prune(schema.items as SchemaProps, each, false, `${path}[${i}]`, gone));
    return gone;
  }
  if (!isObject(value)) return gone;
  const whole = root || isEmbedded(schema);
  for (const name of Object.keys(value)) {
    if (whole && identity.has(name)) continue;
    const here = path === "" ? name : `${path}.${name}`;
    const inner = memberOf(schema, name);
    if (inner) prune(inner, value[name], false, here, gone);
    else if (!preserves(schema)) {
      gone.push(here);
      delete value[name];
    }
  }
  return gone;
}

/** In place: defaults of absent members, and of those that are null and may not be. Nulls that may not be go. */
export function applyDefaults(schema: SchemaProps, value: unknown): void {
  if (Array.isArray(value)) {
    if (schema.items) for (const each of value) applyDefaults(schema.items, each);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (inner.default === undefined) continue;
    if (value[name] === undefined || (value[name] === null && !inner.nullable))
      value[name] = deepClone(inner.default);
  }
  for (const name of Object.keys(value)) {
    const inner = memberOf(schema, name);
    if (inner) applyDefaults(inner, value[name]);
  }
}

/** True when reading an object can add something to it. */
export function hasDefaults(schema: SchemaProps): boolean {
  if (schema.default !== undefined) return true;
  const parts = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
  return parts.some((each) => typeof each === "object" && each !== null && hasDefaults(each));
}

/** True when `prune` and `applyDefaults` would leave the value as it is. */
export function isComplete(schema: SchemaProps, value: unknown, root: boolean): boolean {
  if (Array.isArray(value))
    return !schema.items || value.every((each) => isComplete(schema.items as SchemaProps, each, false));
  if (!isObject(value)) return true;
  for (const name in schema.properties) {
    const inner = schema.properties[name] as SchemaProps;
    if (value[name] === undefined ? inner.default !== undefined : value[name] === null && !inner.nullable)
      return false;
  }
  const whole = root || isEmbedded(schema);
  for (const name in value) {
    const inner = memberOf(schema, name);
    if (inner) {
      if (!isComplete(inner, value[name], false)) return false;
    } else if (!(whole && identity.has(name)) && !preserves(schema)) return false;
  }
  return true;
}
