/** Conforms custom resources to their structural schema. */
import { cloneExact, hugeIn, invalid, isObject, parseExact, stableJson } from "../../machinery/index.ts";
import { conform } from "../conform.ts";
import type { Nulls } from "../definition.ts";
import type { KubeObject } from "../meta.ts";
import type { Conformance } from "../schema.ts";
import { prune } from "./prune.ts";
import { isEmbedded, memberOf, ownMember, type SchemaProps } from "./schema-props.ts";

/** The schema of a version without one. */
export const anything: SchemaProps = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const metaType = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/** Drops and reports unknown fields in place. Of an object of another kind only metadata is checked. */
export function conformCustom(
  whole: SchemaProps,
  kind: string,
  object: KubeObject,
  nulls: Nulls = "dropped",
): Conformance {
  const huge = hugeIn(object);
  if (huge !== undefined)
    return { unknown: [], problem: `json: cannot unmarshal number ${huge} into Go value of type float64` };
  const schema = object.kind === kind ? whole : anything;
  if (nulls === "dropped") applyNulls(schema, object);
  const unknown: string[] = [];
  const problem = metadataProblems(schema, object, "", true, unknown);
  if (problem) return { unknown, problem };
  // Order of reports: the object's metadata, the schema's fields in alphabetical order, metadata of embedded objects.
  const own = unknown.filter((path) => path.startsWith("metadata."));
  const inner = unknown.filter((path) => !path.startsWith("metadata."));
  return { unknown: [...own, ...prune(schema, object, true).sort(), ...inner] };
}

/** Drops nulls of members and map entries that are neither nullable nor defaulted. */
export function applyNulls(schema: SchemaProps, value: unknown): void {
  if (Array.isArray(value)) {
    if (schema.items) for (const each of value) applyNulls(schema.items, each);
    return;
  }
  if (!isObject(value)) return;
  for (const name of Object.keys(value)) {
    const inner = memberOf(schema, name);
    if (!inner) continue;
    const filled = inner.default !== undefined && !ownMember(schema.properties, name);
    if (value[name] === null && !inner.nullable && !filled) delete value[name];
    else applyNulls(inner, value[name]);
  }
}

/** Conforms the metadata of the object and of embedded objects to ObjectMeta; returns what makes the object unusable. */
function metadataProblems(
  schema: SchemaProps,
  value: unknown,
  path: string,
  root: boolean,
  unknown: string[],
): string | undefined {
  if (Array.isArray(value)) {
    for (const [i, each] of value.entries()) {
      const problem = schema.items && metadataProblems(schema.items, each, `${path}[${i}]`, false, unknown);
      if (problem) return problem;
    }
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  if (root || isEmbedded(schema)) {
    const { metadata } = value;
    // Of an embedded object, members are read, and shown, in alphabetical order.
    const before = root ? undefined : cloneExact(metadata);
    const found = metaConformance(metadata);
    if (!root) {
      for (const name of ["apiVersion", "kind"])
        if ((value[name] ?? null) !== null && typeof value[name] !== "string")
          return `${at(name)}: ${invalid("", inOrder(value[name]), "must be a string").message}`;
      if (found?.problem) {
        const { problem = found.problem } = metaConformance(inOrder(before)) ?? {};
        return `${at("metadata")}: ${invalid("", inOrder(before), problem).message}`;
      }
    }
    if (found?.problem) return found.problem;
    unknown.push(...(found?.unknown ?? []).map((each) => at(`metadata.${each}`)));
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const given = ownMember(value, name);
    if (given === undefined) continue;
    const problem = metadataProblems(inner, given, at(name), false, unknown);
    if (problem) return problem;
  }
  return undefined;
}

function metaConformance(metadata: unknown): Conformance | undefined {
  if (metadata === undefined || metadata === null) return undefined;
  if (isObject(metadata)) return conform(metaType, metadata);
  const problem = `json: cannot unmarshal ${goType(metadata)} into Go value of type v1.ObjectMeta`;
  return { unknown: [], problem };
}

/** A copy with all members in alphabetical order. */
const inOrder = (value: unknown): unknown => parseExact(stableJson(value));

const goType = (value: unknown): string =>
  Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
