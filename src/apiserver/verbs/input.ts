/** From a request's bytes to an object of the kind, checked and with defaults. */
import {
  cannotHandle,
  conform,
  fillWritten,
  findKindByName,
  type Conformance,
  type KindDefinition,
  type KubeObject,
  type Nulls,
  type Parts,
  presentPart,
  schemaOf,
  strictTexts,
  typeOfKind,
} from "../../api/index.ts";
import {
  cloneExact,
  duplicateMembers,
  isObject,
  parseExact,
  readRawTexts,
  type StatusError,
} from "../../machinery/index.ts";
import { checkVersion, type Decoded, type Expected, readBody, refuseDepths } from "../codec/decode.ts";
import { encodeStored, withResourceVersion } from "../codec/stored.ts";
import type { Call } from "../core.ts";
import type { HandlerRequest, RequestInfo, SpecialHandler } from "../contract.ts";
import { badRequest } from "../errors.ts";
import type { Registry } from "../registry/registry.ts";

/** The object of a POST or PUT, in the spelling of the request, without unknown fields. */
export function readObject(call: Call): KubeObject {
  const { core, request, resource } = call;
  const { group, version, kind, plural } = resource.def;
  const expected: Expected = {
    group,
    version,
    kind,
    custom: resource.def.type !== undefined,
    ...(resource.def.schema === undefined ? {} : { schema: resource.def.schema }),
    ...(resource.def.storedAs && !resource.def.type ? { inner: resource.def.storedAs.group } : {}),
    former: resource.def.type === undefined,
    known: (apiVersion, other) => core.registry.knows(apiVersion, other, group),
    anyVersion: true,
  };
  const { object, decoded } = readBody(request.body, request.headers?.["content-type"], expected);
  if (object.apiVersion !== resource.apiVersion && !resource.def.type)
    throw otherVersion(object, resource.apiVersion, resource.def, call.info, decoded, call.warnings);
  const { rawFields } = resource.def;
  if (rawFields && decoded?.format === "json") readRawTexts(rawFields, object, decoded.text);
  const problem = conformObject(call, object, decoded, undefined, versionOf(call, object));
  if (problem) throw badRequest(cannotHandle(kind, versionIn(object), problem, object.kind));
  checkVersion(object, expected);
  if (!isObject(object.metadata)) throw badRequest(`the metadata of ${plural} must be an object`);
  request.audit?.requested(object, () => asRecorded(call, object));
  return object;
}

/** As audit records it: with defaults, in the order Kubernetes writes it. */
function asRecorded({ core, resource }: Call, object: KubeObject): unknown {
  const copy = cloneExact(object);
  const { def } = resource;
  // What is stored under another name gets its defaults there.
  if (!def.storedAs || def.type) def.defaults?.(copy, core.clock);
  if (!def.storedAs) resource.complete(copy);
  const type = def.storedAs && !def.type ? typeOfKind(def) : undefined;
  if (type) fillWritten(type, copy as Record<string, unknown>);
  const bytes = encodeStored(copy, def.kind, object.apiVersion as string);
  const { resourceVersion } = object.metadata ?? {};
  return parseExact((resourceVersion ? withResourceVersion(bytes, resourceVersion) : bytes).toString());
}

const versionIn = ({ apiVersion = "" }: KubeObject): string => apiVersion.slice(apiVersion.indexOf("/") + 1);

/** The body for a handler of what is not stored, likewise. */
export function readSpecial(
  registry: Registry,
  {
    group,
    version,
    kind,
    namespaced,
    schema,
    also,
    defaults,
  }: Pick<SpecialHandler, "group" | "version" | "kind" | "namespaced" | "schema" | "defaults"> &
    Pick<Expected, "also">,
  request: HandlerRequest,
  info: RequestInfo,
  warnings: string[],
): KubeObject {
  const type = schema ?? registry.find(group, version, info.resource)?.def.schema;
  const { object, decoded } = readBody(request.body, request.headers?.["content-type"], {
    group,
    version,
    kind,
    ...(also ? { also } : {}),
    ...(type === undefined ? {} : { schema: type }),
    former: true,
    known: (apiVersion, other) => registry.knows(apiVersion, other),
  });
  const own = group === "" ? version : `${group}/${version}`;
  if (object.apiVersion !== own)
    throw otherVersion(object, own, { kind, schema: type }, info, decoded, warnings);
  const found = conform(type, object);
  if (decoded && !found.problem) refuseDepths(object, decoded);
  const problem = judged(found, info, decoded, warnings);
  if (problem) throw badRequest(cannotHandle(kind, version, problem));
  if (!isObject(object.metadata)) object.metadata = {};
  request.audit?.requested(object, () => {
    const { kind: _kind, apiVersion: _version, ...copy } = cloneExact(object);
    const recorded = { kind, apiVersion: own, ...copy };
    defaults?.(recorded);
    const known = type === undefined ? undefined : schemaOf(type);
    if (known) fillWritten(known, recorded);
    return recorded;
  });
  if (!namespaced) delete object.metadata.namespace;
  else if (info.namespace !== "") {
    object.metadata.namespace ||= info.namespace;
    if (object.metadata.namespace !== info.namespace) {
      throw badRequest(
        "the namespace of the provided object does not match the namespace sent on the request",
      );
    }
  }
  return object;
}

/** Why a body of another version of its kind is refused: it is read as what it is before anything is said of the version. */
export function otherVersion(
  object: KubeObject,
  expected: string,
  def: Pick<KindDefinition, "kind" | "schema">,
  info: RequestInfo,
  decoded: Decoded | undefined,
  warnings: string[],
): StatusError {
  const given = String(object.apiVersion);
  const [version = "", group = ""] = given.split("/").reverse();
  const other = findKindByName(group, version, def.kind);
  const found = other ? conformed(other, object) : conform(def.schema, presentPart(object));
  const problem = judged(found, info, decoded, warnings);
  if (problem) return badRequest(cannotHandle(def.kind, version, problem));
  return badRequest(
    `the API version in the data (${given}) does not match the expected API version (${expected})`,
  );
}

/** Drops in place what the type does not know, and names it. `same`: parts that fit already, if the object has them. */
export function conformed(def: KindDefinition, object: KubeObject, nulls?: Nulls, same?: Parts): Conformance {
  // An empty list of owners is dropped like any other, and yet says something.
  const disowned = object.metadata?.managedFields?.length === 0;
  const found = def.conform?.(object, nulls) ?? conform(def.schema, object, same);
  if (disowned && object.metadata && !object.metadata.managedFields) object.metadata.managedFields = [];
  return found;
}

/** Drops what the type does not know, and says so as `fieldValidation` asks; what refuses the object is returned. */
function conformObject(
  call: Call,
  object: KubeObject,
  decoded: Decoded | undefined,
  nulls?: Nulls,
  def = call.resource.def,
): string | undefined {
  const found = conformed(def, object, nulls);
  if (decoded && !found.problem) refuseDepths(object, decoded);
  return judged(found, call.info, decoded, call.warnings, [], def.rawFields);
}

/**
 * Drops what the type does not know of an applied object, silently: what was applied is judged by its schema before. Returns
 * what refuses the object.
 */
export function conformApplied({ resource }: Call, object: KubeObject): string | undefined {
  return conformed(resource.def, object, "kept").problem;
}

/** A custom resource in another version of its own is looked at as such; nothing is known of what is no version. */
function versionOf({ core, resource }: Call, object: KubeObject): KindDefinition | undefined {
  const { def, apiVersion } = resource;
  if (!def.type || object.apiVersion === apiVersion || object.kind !== def.kind) return undefined;
  const other = core.registry.version(def.group, versionIn(object), def.plural)?.def;
  return other ?? unknownVersion(def);
}

/** Of a version that is none, only what every object has is known. */
const unknownVersion = (def: KindDefinition): KindDefinition => ({
  ...def,
  conform(object) {
    const unknown = Object.keys(object).filter((name) => !identity.has(name));
    for (const name of unknown) delete (object as Record<string, unknown>)[name];
    const found = def.conform?.(object) ?? { unknown: [] };
    return { ...found, unknown: [...found.unknown, ...unknown.sort()] };
  },
});
const identity: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

/**
 * What refuses the object, as `fieldValidation` asks; what does not becomes warnings. `before`: said first. `rawFields`: what is
 * not looked into.
 */
export function judged(
  { unknown, problem }: Conformance,
  info: RequestInfo,
  decoded: Decoded | undefined,
  warnings: string[],
  before: readonly string[] = [],
  rawFields?: readonly string[],
): string | undefined {
  const mode = info.query.get("fieldValidation") || "Warn";
  if (problem || mode === "Ignore") return problem;
  if (before.length > 0) return judgedTexts([...before, ...strictTexts(unknown, [])], mode, warnings);
  if (decoded?.strict) return judgedTexts(decoded.strict, mode, warnings);
  const duplicates = decoded?.repeats ? outside(duplicateMembers(decoded.text), rawFields) : [];
  // YAML is looked at before it becomes JSON, so its repeated keys come first and in other words.
  const repeated = decoded?.duplicates ?? [];
  // What has no type of its own is read first, and held against a schema afterwards.
  const texts = [...strictTexts([], duplicates), ...strictTexts(unknown, [])];
  if (mode !== "Strict" || repeated.length === 0) return judgedTexts([...repeated, ...texts], mode, warnings);
  const yaml = `yaml: unmarshal errors:${repeated.map((line) => `\n  ${line}`).join("")}`;
  return judgedTexts([yaml, ...texts], mode, warnings);
}

function judgedTexts(texts: readonly string[], mode: string, warnings: string[]): string | undefined {
  if (mode === "Strict" && texts.length > 0) return `strict decoding error: ${texts.join(", ")}`;
  warnings.push(...texts);
  return undefined;
}

function outside(found: string[], rawFields: readonly string[] | undefined): string[] {
  if (!rawFields || found.length === 0) return found;
  const inside = (path: string): boolean =>
    rawFields.some((field) => path.startsWith(`${field}.`) || path.startsWith(`${field}[`));
  return found.filter((each) => !inside(each.replace(/\[\d+\]/g, "")));
}
