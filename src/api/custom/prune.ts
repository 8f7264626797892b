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

/** As JSON; objects of half of it cannot be stored. A short list of empty objects, each with long defaults, would take all memory. */
const maxAddedLetters = 4 * 1024 * 1024;

const lengths = new WeakMap<SchemaProps, number>();

/** Of a schema's default, as JSON. */
function defaultLength(schema: SchemaProps): number {
  let length = lengths.get(schema);
  if (length === undefined) lengths.set(schema, (length = JSON.stringify(schema.default).length));
  return length;
}

/**
 * In place: defaults of absent members, and of those that are null and may not be. False when they are more than any object may
 * have: then some are left out.
 */
export function applyDefaults(schema: SchemaProps, value: unknown): boolean {
  let left = maxAddedLetters;
  const fill = (of: SchemaProps, into: unknown): void => {
    if (Array.isArray(into)) {
      if (of.items) for (const each of into) fill(of.items, each);
      return;
    }
    if (!isObject(into)) return;
    for (const [name, inner] of Object.entries(of.properties ?? {})) {
      if (inner.default === undefined) continue;
      if (into[name] !== undefined && (into[name] !== null || inner.nullable)) continue;
      if (left > 0) left -= defaultLength(inner);
      if (left > 0) into[name] = deepClone(inner.default);
    }
    for (const name of Object.keys(into)) {
      const inner = memberOf(of, name);
      if (inner) fill(inner, into[name]);
    }
  };
  fill(schema, value);
  return left > 0;
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
