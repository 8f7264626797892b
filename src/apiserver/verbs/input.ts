/** Reads the body of a request as an object of the kind, with field validation. */
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
import { refuseDepths } from "../codec/body-limits.ts";
import { type Decoded, readBody } from "../codec/decode.ts";
import { checkVersion, type Expected } from "../codec/type-meta.ts";
import { encodeStored, withResourceVersion } from "../codec/stored.ts";
import type { Call } from "../core.ts";
import type { HandlerRequest, RequestInfo, SpecialHandler } from "../contract.ts";
import { badRequest } from "../errors.ts";
import type { Registry } from "../registry/registry.ts";

/** The object of a POST or PUT, in the request's version, without unknown fields. */
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
    lenient: call.info.query.get("fieldValidation") === "Ignore",
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

/** The object for the audit log: with defaults, in Kubernetes' order. */
function asRecorded({ core, resource }: Call, object: KubeObject): unknown {
  const copy = cloneExact(object);
  const { def } = resource;
  // Kinds stored as another get its defaults.
  if (!def.storedAs || def.type) def.defaults?.(copy, core.clock);
  if (!def.storedAs) resource.complete(copy);
  const type = def.storedAs && !def.type ? typeOfKind(def) : undefined;
  if (type) fillWritten(type, copy as Record<string, unknown>);
  const bytes = encodeStored(copy, def.kind, object.apiVersion as string);
  const { resourceVersion } = object.metadata ?? {};
  return parseExact((resourceVersion ? withResourceVersion(bytes, resourceVersion) : bytes).toString());
}

const versionIn = ({ apiVersion = "" }: KubeObject): string => apiVersion.slice(apiVersion.indexOf("/") + 1);

/** Likewise, for handlers of objects that are not stored. */
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

/** Why a body in another version of the kind is refused: mistakes in that version are reported before the wrong version. */
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

/** Drops unknown fields in place and reports them. `same`: parts shared with the stored object, which conform already. */
export function conformed(def: KindDefinition, object: KubeObject, nulls?: Nulls, same?: Parts): Conformance {
  // An empty list of managedFields is dropped like any other, but clears the owners.
  const disowned = object.metadata?.managedFields?.length === 0;
  const found = def.conform?.(object, nulls) ?? conform(def.schema, object, same);
  if (disowned && object.metadata && !object.metadata.managedFields) object.metadata.managedFields = [];
  return found;
}

/** Drops unknown fields and reports them as `fieldValidation` asks. Returns the error that refuses the object. */
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
 * Drops unknown fields of an applied object silently: the configuration was checked before. Returns the error that refuses the
 * object.
 */
export function conformApplied({ resource }: Call, object: KubeObject): string | undefined {
  return conformed(resource.def, object, "kept").problem;
}

/** The definition by which a custom resource in another version of its kind is checked. Undefined: by that of the request. */
function versionOf({ core, resource }: Call, object: KubeObject): KindDefinition | undefined {
  const { def, apiVersion } = resource;
  if (!def.type || object.apiVersion === apiVersion || object.kind !== def.kind) return undefined;
  const other = core.registry.version(def.group, versionIn(object), def.plural)?.def;
  return other ?? unknownVersion(def);
}

/** Of a version that does not exist, only apiVersion, kind and metadata are known. */
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
 * The error that refuses the object, as `fieldValidation` asks; other mistakes become warnings. `before`: mistakes to be reported
 * first. `rawFields`: fields whose content is not checked.
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
  // Duplicate keys of YAML are found before it becomes JSON, so they come first and in other words.
  const repeated = decoded?.duplicates ?? [];
  // Custom resources are decoded first and checked against their schema afterwards.
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
