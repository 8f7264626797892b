/** Prunes custom resources by their structural schema, and sets defaults. */
import { deepClone, isObject, setMember } from "../../machinery/index.ts";
import { isEmbedded, memberOf, ownMember, preserves, type SchemaProps } from "./schema-props.ts";

const identity = new Set(["apiVersion", "kind", "metadata"]);

/** In place. Returns the removed paths, e.g. `spec.x`, `spec.list[0].y`. `root`: a whole object, whose identity stays. */
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

/**
 * Limit of all defaults as JSON: larger objects cannot be stored. A short list of empty objects with long defaults could
 * otherwise use all memory.
 */
const maxAddedLetters = 4 * 1024 * 1024;

const lengths = new WeakMap<SchemaProps, number>();

/** Size of a schema's default, as JSON. */
function defaultLength(schema: SchemaProps): number {
  let length = lengths.get(schema);
  if (length === undefined) lengths.set(schema, (length = JSON.stringify(schema.default).length));
  return length;
}

/** A forbidden null with a default. */
const isToFill = (schema: SchemaProps, value: unknown): boolean =>
  value === null && !schema.nullable && schema.default !== undefined;

/**
 * Sets defaults of absent members, and of forbidden nulls in members and items, in place. False when they exceed the size of
 * any object: then some are left out.
 */
export function applyDefaults(schema: SchemaProps, value: unknown): boolean {
  let left = maxAddedLetters;
  const defaultOf = (of: SchemaProps, otherwise: unknown): unknown => {
    if (left > 0) left -= defaultLength(of);
    return left > 0 ? deepClone(of.default) : otherwise;
  };
  const fill = (of: SchemaProps, into: unknown): void => {
    if (Array.isArray(into)) {
      const { items } = of;
      if (!items) return;
      for (const [i, each] of into.entries()) {
        if (isToFill(items, each)) into[i] = defaultOf(items, null);
        fill(items, into[i]);
      }
      return;
    }
    if (!isObject(into)) return;
    for (const [name, inner] of Object.entries(of.properties ?? {})) {
      const given = ownMember(into, name);
      if (given === undefined ? inner.default !== undefined : isToFill(inner, given)) {
        const made = defaultOf(inner, undefined);
        if (made !== undefined) setMember(into, name, made);
      }
    }
    for (const name of Object.keys(into)) {
      const inner = memberOf(of, name);
      if (!inner) continue;
      if (isToFill(inner, into[name])) into[name] = defaultOf(inner, null);
      fill(inner, into[name]);
    }
  };
  fill(schema, value);
  return left > 0;
}

/** True when reading an object may set defaults. */
export function hasDefaults(schema: SchemaProps): boolean {
  if (schema.default !== undefined) return true;
  const parts = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
  return parts.some((each) => typeof each === "object" && each !== null && hasDefaults(each));
}

/** True when `prune` and `applyDefaults` would not change the value. */
export function isComplete(schema: SchemaProps, value: unknown, root: boolean): boolean {
  if (Array.isArray(value)) {
    const { items } = schema;
    return !items || value.every((each) => !isToFill(items, each) && isComplete(items, each, false));
  }
  if (!isObject(value)) return true;
  for (const name in schema.properties) {
    const inner = schema.properties[name] as SchemaProps;
    const given = ownMember(value, name);
    if (given === undefined ? inner.default !== undefined : given === null && !inner.nullable) return false;
  }
  const whole = root || isEmbedded(schema);
  for (const name in value) {
    const inner = memberOf(schema, name);
    if (inner) {
      if (isToFill(inner, value[name]) || !isComplete(inner, value[name], false)) return false;
    } else if (!(whole && identity.has(name)) && !preserves(schema)) return false;
  }
  return true;
}
