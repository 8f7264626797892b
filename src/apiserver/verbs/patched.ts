/** What a JSON or merge patch makes of an object, read as the original's decoder reads it. */
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

/** Objects as patches find them: mistakes in what became of them show their text. Custom ones have no order of their own. */
export const asFound = (def: KindDefinition, json: Buffer): KubeObject => {
  const object = parseExact(json.toString()) as KubeObject;
  return (def.type ? keysInOrder(object) : inGoOrder(def.schema, object)) as KubeObject;
};

/**
 * Holds it against its type, in place. With a problem it must not be used. Objects of built-in kinds are refused as the
 * client's bad patch whatever they are; a custom resource must say what it is. `same`: parts that fit already. Throws StatusError.
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
    checkShape(object);
    if (!object.kind) return { object, unknown: [], problem: `Object 'Kind' is missing in '${shown()}'` };
    checkCustomNames(def, object);
    return { object, ...conformed(def, object) };
  }
  const problem = unnamed(value);
  if (problem !== undefined)
    return { object, unknown: [], problem: `couldn't get version/kind; json parse error: ${problem}` };
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
  // Events of that version have the fields that they have in its group today.
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

/** From one version of a kind into another, in place. */
function respell(object: KubeObject, from: KindDefinition, to: KindDefinition): void {
  from.storedAs?.toStored(object);
  from.defaults?.(object);
  to.storedAs?.fromStored(object);
  object.apiVersion = to.group === "" ? to.version : `${to.group}/${to.version}`;
}

/** A custom resource stays what it is. Throws 422. */
function checkCustomNames(def: KindDefinition, object: KubeObject): void {
  if (!object.apiVersion) {
    const message = "Object 'apiVersion' is missing in 'object has no apiVersion field'";
    throw new StatusError("InternalError", `Internal error occurred: ${message}`, {
      details: { causes: [{ message }] },
    });
  }
  const wanted = { kind: def.kind, apiVersion: `${def.group}/${def.version}` };
  // Another kind alone is told of when the object is validated.
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

/** Why its kind and version cannot be read. */
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

/**
 * Without a version it is read as the internal type, whose fields have no names in JSON: nothing of it is known but what
 * its metadata would have, beside the kind.
 */
function unversioned(object: KubeObject): ReadObject {
  const { kind, apiVersion: _none, ...metadata } = object as KubeObject & Record<string, unknown>;
  return { object: { kind, metadata } as KubeObject, ...conform(metadataType, metadata) };
}
