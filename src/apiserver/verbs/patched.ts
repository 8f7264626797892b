/** Decodes the result of a JSON or merge patch like Kubernetes' decoder. */
import {
  conform,
  type Conformance,
  findKindByName,
  inGoOrder,
  isFormer,
  type KindDefinition,
  type KubeObject,
  modernize,
  type Parts,
  sameFields,
} from "../../api/index.ts";
import { isObject, parseExact, StatusError } from "../../machinery/index.ts";
import { keysInOrder } from "../codec/decode.ts";
import { checkShape, internalName, notRegistered } from "../codec/type-meta.ts";
import { invalid } from "../errors.ts";
import type { Registry } from "../registry/registry.ts";
import { conformed } from "./input.ts";

export interface ReadObject extends Conformance {
  object: KubeObject;
}

/** Objects as input of patches: errors show the text of the result. Custom resources have no order of their own. */
export const asFound = (def: KindDefinition, json: Buffer): KubeObject => {
  const object = parseExact(json.toString()) as KubeObject;
  return (def.type ? keysInOrder(object) : inGoOrder(def.schema, object)) as KubeObject;
};

/**
 * Checks the result against its type, in place. It must not be used when there is a problem. Objects of built-in kinds are
 * refused as the client's bad patch; a custom resource must name its kind. `same`: parts that are valid already. Throws
 * StatusError.
 */
export function readPatched(
  registry: Registry,
  def: KindDefinition,
  value: unknown,
  shown: () => string,
  same?: Parts,
): ReadObject {
  const object = value as KubeObject;
  if (def.type) {
    const odd = isObject(value) ? unnamed(value) : undefined;
    if (odd !== undefined) return { object, unknown: [], problem: badNames(odd) };
    checkShape(object);
    if (!object.kind) return { object, unknown: [], problem: `Object 'Kind' is missing in '${shown()}'` };
    if ((object.apiVersion ?? "").split("/").length > 2)
      return { object, unknown: [], problem: `unexpected GroupVersion string: ${object.apiVersion}` };
    checkCustomNames(def, object);
    return { object, ...conformed(def, object) };
  }
  const problem = unnamed(value);
  if (problem !== undefined) return { object, unknown: [], problem: badNames(problem) };
  object.kind ||= def.kind;
  const own = def.group === "" ? def.version : `${def.group}/${def.version}`;
  const { kind, apiVersion } = object as { kind: string; apiVersion?: string };
  if (!apiVersion) return unversioned(object);
  if (apiVersion.split("/").length > 2)
    return { object, unknown: [], problem: `unexpected GroupVersion string: ${apiVersion}` };
  if (kind === def.kind && apiVersion === own) return { object, ...conformed(def, object, undefined, same) };
  if (!registry.knows(apiVersion, kind, def.group))
    return { object, unknown: [], problem: notRegistered(kind, apiVersion) };
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  const served = findKindByName(group, version, kind);
  const former = !served && kind === def.kind && isFormer(apiVersion, kind) && sameFields(kind);
  // Events of that version have today's fields of their group.
  const other = served ?? (former && group !== def.group ? findKindByName(group, "v1", kind) : undefined);
  if (former && !other) {
    const found = conformed(def, object);
    modernize(object as Parameters<typeof modernize>[0], own);
    return { object, ...found };
  }
  const found = other ? conformed(other, object) : { unknown: [] };
  if (other && isSame(other, def)) {
    if (!found.problem) respell(object, other, def);
    return { object, ...found };
  }
  const problemThere = `converting (${version}.${kind}) to (${internalName(def.group)}.${def.kind}): unknown conversion`;
  return { object, problem: problemThere, ...found };
}

/** True for two versions of one stored kind. */
const isSame = (one: KindDefinition, other: KindDefinition): boolean => {
  const [a, b] = [one.storedAs ?? one, other.storedAs ?? other];
  return a.kind === b.kind && a.group === b.group && a.version === b.version;
};

/** Converts between versions of a kind, in place. */
function respell(object: KubeObject, from: KindDefinition, to: KindDefinition): void {
  from.storedAs?.toStored(object);
  from.defaults?.(object);
  to.storedAs?.fromStored(object);
  object.apiVersion = to.group === "" ? to.version : `${to.group}/${to.version}`;
}

/** A patch cannot change kind or version of a custom resource. Throws 422. */
function checkCustomNames(def: KindDefinition, object: KubeObject): void {
  if (!object.apiVersion) {
    const message = "Object 'apiVersion' is missing in 'object has no apiVersion field'";
    throw new StatusError("InternalError", `Internal error occurred: ${message}`, {
      details: { causes: [{ message }] },
    });
  }
  const wanted = { kind: def.kind, apiVersion: `${def.group}/${def.version}` };
  // A different kind alone is reported by validation.
  if (object.apiVersion === wanted.apiVersion) return;
  const causes = (["kind", "apiVersion"] as const)
    .filter((name) => object[name] !== wanted[name])
    .map((name) => ({
      reason: "FieldValueInvalid",
      field: name,
      message: `Invalid value: ${JSON.stringify(object[name] ?? "")}: must be ${wanted[name]}`,
    }));
  const group = object.apiVersion?.split("/").slice(0, -1).join("/") ?? "";
  const kind = object.kind ?? "";
  throw invalid({ group, kind, plural: kind }, object.metadata?.name ?? "", causes);
}

const badNames = (problem: string): string => `couldn't get version/kind; json parse error: ${problem}`;

/** Why its kind and version cannot be determined. */
function unnamed(value: unknown): string | undefined {
  const type = (each: unknown): string =>
    Array.isArray(each)
      ? "array"
      : typeof each === "boolean"
        ? "bool"
        : typeof each === "bigint"
          ? "number"
          : typeof each;
  if (!isObject(value))
    return `json: cannot unmarshal ${type(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;
  for (const name of Object.keys(value)) {
    const given = value[name];
    if ((name !== "kind" && name !== "apiVersion") || given === null || typeof given === "string") continue;
    return `json: cannot unmarshal ${type(given)} into Go struct field .${name} of type string`;
  }
  return undefined;
}

const metadataType = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/** Without a version it is decoded as the internal type, whose fields have no JSON names: only kind and metadata are known. */
function unversioned(object: KubeObject): ReadObject {
  const { kind, apiVersion: _none, ...metadata } = object as KubeObject & Record<string, unknown>;
  return { object: { kind, metadata } as KubeObject, ...conform(metadataType, metadata) };
}
