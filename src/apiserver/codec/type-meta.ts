/** Checks the apiVersion and kind of a body against those of the endpoint. */
import { isFormer, type KubeObject } from "../../api/index.ts";
import { isObject, StatusError } from "../../machinery/index.ts";
import { badRequest } from "../errors.ts";

/** The kind that an endpoint takes, and which other kinds exist. */
export interface Expected {
  group: string;
  version: string;
  kind: string;
  /** A custom resource: its body must name kind and version. */
  custom?: boolean;
  /** Other versions (`group/version`) with the same fields, which are accepted as the expected one. */
  also?: readonly string[];
  /** The type by which duplicate keys are merged; without it the last one counts. */
  schema?: string;
  /** Group of the kind that it is stored as, if that differs. */
  inner?: string;
  /** The caller handles bodies of removed versions (`isFormer`) of the kind. */
  former?: boolean;
  /** True for kinds that are served in this version, lists included. */
  known?(apiVersion: string, kind: string): boolean;
  /** A custom resource's body is read with `fieldValidation=Ignore`: a decoder with other errors reads it. */
  lenient?: boolean;
  /** Accepts a custom resource in any version: the caller calls `checkVersion` after it has been checked. */
  anyVersion?: boolean;
}

export class GroupVersionError extends StatusError {}
export class MissingKindError extends StatusError {}
export class WrongKindError extends StatusError {}

export const versionOf = ({ group, version }: Expected): string =>
  group === "" ? version : `${group}/${version}`;

/** A decoded value as an object of the kind. `null` is an empty object. */
export function asObject(value: unknown, expected: Expected): KubeObject {
  const apiVersion = versionOf(expected);
  if (value === null && expected.custom) throw new MissingKindError("BadRequest", "Object 'Kind' is missing");
  if (value === null) return { kind: expected.kind, apiVersion, metadata: {} };
  checkShape(value);
  const object = value as KubeObject;
  if (expected.custom) checkCustomKind(object, expected, apiVersion);
  else takeNames(value as Record<string, unknown>);
  // A body without kind or version is taken as the kind that the path names.
  object.kind ||= expected.kind;
  if (object.apiVersion?.startsWith("/")) object.apiVersion = withoutGroup(object.apiVersion);
  object.apiVersion ||= apiVersion;
  if (expected.also?.includes(object.apiVersion)) object.apiVersion = apiVersion;
  checkGroupVersion(object.apiVersion);
  const other = object.kind !== expected.kind || object.apiVersion !== apiVersion;
  const former = expected.former && object.kind === expected.kind && isFormer(object.apiVersion, object.kind);
  if (other && !former && !expected.custom) throw wrongKind(object, expected);
  object.metadata ??= {};
  return object;
}

/** `/v1` means the core group, as some clients write it. */
const withoutGroup = (apiVersion: string): string =>
  apiVersion.lastIndexOf("/") === 0 ? apiVersion.slice(1) : apiVersion;

/** Go's name of the JSON type; large integers are bigints here. */
function jsonType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value === "bigint" ? "number" : typeof value;
}

/** Throws 400 for a value that is not an object, or whose apiVersion or kind is not a string: these are read first. */
export function checkShape(value: unknown): void {
  if (!isObject(value)) {
    const type = jsonType(value);
    throw badRequest(
      `json: cannot unmarshal ${type} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  }
  for (const each in value) {
    const name = nameOf(each);
    const given = value[each];
    if (name === undefined || given === null || typeof given === "string") continue;
    const type = jsonType(given);
    throw badRequest(`json: cannot unmarshal ${type} into Go struct field .${name} of type string`);
  }
}

/** The name of apiVersion or kind in any case: only here Go's decoder ignores case. */
function nameOf(member: string): "apiVersion" | "kind" | undefined {
  if (member.length !== 4 && member.length !== 10) return undefined;
  const small = member.toLowerCase();
  return small === "kind" ? "kind" : small === "apiversion" ? "apiVersion" : undefined;
}

/** Takes apiVersion and kind in any case: the last one counts. Field validation reports the others as unknown. */
function takeNames(value: Record<string, unknown>): void {
  const names = Object.keys(value);
  if (names.every((each) => each === nameOf(each) || nameOf(each) === undefined)) return;
  for (const each of names) {
    const name = nameOf(each);
    if (name !== undefined && typeof value[each] === "string") value[name] = value[each];
  }
}

/** Throws 400 for an apiVersion that is not `group/version`; the message gets no prefix. */
export function checkGroupVersion(apiVersion: string): void {
  if (apiVersion.split("/").length > 2)
    throw new GroupVersionError("BadRequest", `unexpected GroupVersion string: ${apiVersion}`);
}

/** Throws 400 for an object in another version than the path's. */
export function checkVersion(object: KubeObject, expected: Expected): void {
  const apiVersion = versionOf(expected);
  if (object.apiVersion !== apiVersion) throw otherVersion(object, apiVersion);
}

const otherVersion = (object: KubeObject, apiVersion: string): StatusError =>
  new WrongKindError(
    "BadRequest",
    `the API version in the data (${object.apiVersion ?? ""}) does not match the expected API version (${apiVersion})`,
  );

/** A custom resource must name version and kind. A wrong kind of the same version is left to validation. */
function checkCustomKind(object: KubeObject, expected: Expected, apiVersion: string): void {
  if (!object.kind) throw new MissingKindError("BadRequest", "Object 'Kind' is missing");
  if ((object.apiVersion as unknown) === null) throw noVersion(object.kind, expected);
  checkGroupVersion(object.apiVersion ?? "");
  if (object.apiVersion !== apiVersion) {
    const group = object.apiVersion?.slice(0, object.apiVersion.lastIndexOf("/"));
    if (expected.anyVersion && group === expected.group) return;
    throw otherVersion(object, apiVersion);
  }
}

/** A null is no text, which nothing at all is taken for. */
const noVersion = (given: string, { kind }: Expected): WrongKindError =>
  new WrongKindError(
    "BadRequest",
    `${given} in version "" cannot be handled as a ${kind}: .apiVersion accessor error: <nil> is of the type <nil>, expected string`,
  );

function wrongKind(object: KubeObject, expected: Expected): StatusError {
  const given = String(object.apiVersion);
  const version = given.slice(given.indexOf("/") + 1);
  const why = expected.known?.(given, String(object.kind))
    ? `converting (${version}.${object.kind}) to (${internalName(expected.inner ?? expected.group)}.${expected.kind}): unknown conversion`
    : notRegistered(String(object.kind), given);
  return new WrongKindError(
    "BadRequest",
    `${object.kind} in version "${version}" cannot be handled as a ${expected.kind}: ${why}`,
  );
}

/** The Go package of a group's internal types. */
export const internalName = (group: string): string => (group === "" ? "core" : (group.split(".")[0] ?? ""));

export const notRegistered = (kind: string, apiVersion: string): string =>
  `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:111"`;
