import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import { isFormer, type KubeObject, readRepeated, schemaOf } from "../../api/index.ts";
import {
  countMembers,
  GoYamlError,
  isObject,
  jsonProblem,
  parseExact,
  StatusError,
  surveyJson,
  type YamlBody,
} from "../../machinery/index.ts";
import { badRequest, unsupportedMediaType } from "../errors.ts";
import { readAside, yamlOf } from "./long-yaml.ts";
import { summarize } from "./summarize.ts";
import { utf8Problem } from "./utf8-problem.ts";
import { decodeObject, MessageError } from "./protobuf/decode.ts";
import { protobufType } from "./protobuf/envelope.ts";
import { messages } from "./protobuf/messages.ts";
import { WireError } from "./protobuf/wire.ts";

/** Larger bodies are refused, as Kubernetes does by default. */
export const maxBodyBytes = 3 * 1024 * 1024;
/** Server-side apply. */
export const applyType = "application/apply-patch+yaml";
/** Deeper nesting is refused, as Go's decoder does. */
const maxDepth = 10_000;
/**
 * Nothing recursive sees what is nested deeper than this. Unknown fields may be: what is in them is dropped anyway. A
 * field that would keep it is refused.
 */
const usableDepth = 1000;

export const bodyTypes = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
] as const;

/** A decoded body with the text it came from; the text is needed to find duplicate fields. */
export interface Decoded {
  value: unknown;
  text: string;
  format: "json" | "yaml" | "protobuf";
  /** Stands in the value and in the text for what was nested too deep to be used. */
  cut?: string;
  /** False when no object of a JSON text has a member twice. */
  repeats?: boolean;
  /** What a strict decoder says of a JSON text with repeated members, where its type was known when it was read. */
  strict?: readonly string[];
  /** Keys that appear twice in YAML, each as Go names it. */
  duplicates?: readonly string[];
}

export const tooLarge = (): StatusError =>
  new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${maxBodyBytes}`);

/** Content type without parameters. */
export const mediaType = (header: string | undefined): string =>
  (header ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";

/** A media type with parameters (RFC 2045). */
const wellFormed = /^[^;]*(?:;\s*[\w!#$&^.+-]+=(?:"[^"]*"|[^\s;"]+)\s*)*(?:;\s*)?$/;

/** True for what is never looked into. An object's type may be left out. */
export function isForeignType(contentType: string | undefined): boolean {
  const type = mediaType(contentType);
  const known = type === "" || (bodyTypes as readonly string[]).includes(type);
  return !known || (contentType !== undefined && !wellFormed.test(contentType));
}

/** `undefined` for an empty body. `expected`: what protobuf is that does not say so. Throws StatusError. */
export function decodeBody(
  body: Uint8Array | undefined,
  contentType: string | undefined,
  expected?: { apiVersion: string; kind: string },
): Decoded | undefined {
  if (!body || body.length === 0) return undefined;
  if (body.length > maxBodyBytes) throw tooLarge();
  const type = mediaType(contentType);
  if (type === protobufType) return { value: parseProtobuf(body, expected), text: "", format: "protobuf" };
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  if (contentType && !wellFormed.test(contentType)) throw unsupportedMediaType(bodyTypes);
  if (type === "" || type === "application/json") {
    return { ...parseDeepJson(text), format: "json" };
  }
  if (type === "application/yaml") {
    const { text: usable, cut } = yamlText(body, text);
    const { value, duplicates } = parseYaml(body, usable);
    // It becomes JSON first, with keys in order, so that is the order in which mistakes are found.
    return { value: keysInOrder(value), duplicates, text, format: "yaml", ...(cut ? { cut } : {}) };
  }
  throw unsupportedMediaType(bodyTypes);
}

/** Texts with cuts, which are made once. */
const cutTexts = new WeakMap<Uint8Array, { text: string; cut?: string }>();

/** What of a text is read as YAML: what is JSON may be as deep as there. Throws StatusError. */
function yamlText(body: Uint8Array, text: string): { text: string; cut?: string } {
  return cutTexts.get(body) ?? (/^\s*\{/.test(text) ? withoutDepths(text, yamlTooDeep) : { text });
}

/** Reads a long body that is YAML aside, while others are served; others stay as they are. Throws StatusError for what is too much. */
export async function readLongYaml(body: Uint8Array, contentType: string | undefined): Promise<void> {
  const type = mediaType(contentType);
  const patches = type === applyType;
  if ((!patches && type !== "application/yaml") || body.length > maxBodyBytes || !isUtf8(body)) return;
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  const usable = patches ? { text } : yamlText(body, text);
  if (usable.cut) cutTexts.set(body, usable);
  if (!(await readAside(body, usable.text))) throw tooLarge();
}

/** A JSON text as it was read. */
export interface ReadJson {
  value: unknown;
  text: string;
  /** Stands for what was nested too deep to be used. */
  cut?: string;
  /** False when no object has a member twice. */
  repeats: boolean;
}

/** Throws StatusError with what Go's decoder would say. */
export function parseDeepJson(given: string): ReadJson {
  const { depth, members, oddNumbers } = surveyJson(given);
  const { text, cut } = depth > usableDepth ? withoutDepths(given) : { text: given };
  let value: unknown;
  try {
    value = parseExact(text, oddNumbers);
  } catch (cause) {
    throw badRequest(jsonProblem(text), cause);
  }
  const repeats = cut !== undefined || members !== countMembers(value);
  // Half of a pair stands for no character.
  if (text.includes("\\u") && /\\u[dD][89a-fA-F]/.test(text)) value = withoutHalves(value);
  return { value, text, repeats, ...(cut ? { cut } : {}) };
}

function parseProtobuf(body: Uint8Array, expected?: { apiVersion: string; kind: string }): unknown {
  try {
    return decodeObject(messages(), body, expected);
  } catch (cause) {
    if (cause instanceof WireError || cause instanceof MessageError) throw badRequest(cause.message, cause);
    throw cause;
  }
}

function parseYaml(body: Uint8Array, text: string): YamlBody {
  const problem = isUtf8(body) ? undefined : utf8Problem(body);
  if (problem) throw badRequest(`yaml: ${problem}`, new GoYamlError(`yaml: ${problem}`));
  try {
    return yamlOf(body, text);
  } catch (cause) {
    if (cause instanceof GoYamlError) throw badRequest(cause.message, cause);
    throw cause;
  }
}

/** A value with what `change` makes of every string, or of every map's list of keys. */
function mapped(value: unknown, text: (each: string) => string, keys: (all: string[]) => string[]): unknown {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return value.map((each) => mapped(each, text, keys));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    keys(Object.keys(value)).map((key) => [text(key), mapped(value[key], text, keys)]),
  );
}

const withoutHalves = (value: unknown): unknown =>
  mapped(
    value,
    (text) => text.toWellFormed(),
    (keys) => keys,
  );

/** With the keys of every map in order. */
export const keysInOrder = (value: unknown): unknown =>
  mapped(
    value,
    (text) => text,
    (keys) => keys.sort(),
  );

/** The first bracket beyond a depth, and behind it the end of what it opens; cheap: counts brackets outside strings. */
function beyond(text: string, limit: number, from = 0): { start: number; end: number } | undefined {
  let depth = from === 0 ? 0 : limit;
  let inString = false;
  let start = -1;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c) i++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > limit && start < 0) start = i;
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
      if (start >= 0 && depth === limit) return { start, end: i + 1 };
    }
  }
  return start < 0 ? undefined : { start, end: text.length };
}

const tooDeep = (char: string | undefined): StatusError =>
  badRequest(`invalid character '${char}' exceeded max depth`);

function yamlTooDeep(): StatusError {
  const cause = new GoYamlError(`yaml: exceeded max depth of ${maxDepth}`);
  return badRequest(cause.message, cause);
}

/** The text with a mark for everything that is nested too deep to be used. Throws StatusError beyond what Go reads. */
function withoutDepths(
  text: string,
  refuse: (char: string | undefined) => StatusError = tooDeep,
): { text: string; cut?: string } {
  let found = beyond(text, usableDepth);
  if (!found) return { text };
  const refused = beyond(text, maxDepth);
  if (refused) throw refuse(text[refused.start]);
  const cut = `cut-${randomUUID()}`;
  let out = "";
  let at = 0;
  for (; found; found = beyond(text, usableDepth, at)) {
    out += text.slice(at, found.start) + JSON.stringify(cut);
    at = found.end;
  }
  return { text: out + text.slice(at), cut };
}

/** Throws StatusError when what was too deep is still in the object. */
export function refuseDepths(object: object, { cut }: { cut?: string | undefined }): void {
  if (cut && JSON.stringify(object).includes(cut)) throw tooDeep("{");
}

/** What a body is read as, and which other kinds exist. */
export interface Expected {
  group: string;
  version: string;
  kind: string;
  /** A custom resource: its body must name kind and version. */
  custom?: boolean;
  /** Versions (`group/version`) with the same fields, taken as the one that is expected. */
  also?: readonly string[];
  /** The type by which members that are there twice are put together; else the last one counts. */
  schema?: string;
  /** The group of the kind it is stored as, where that is another. */
  inner?: string;
  /** The caller sees to bodies of former versions (`isFormer`) of the same kind. */
  former?: boolean;
  /** True for kinds that are served in this version, lists included. */
  known?(apiVersion: string, kind: string): boolean;
  /** Custom resources in whatever version are read first: who asks calls `checkVersion` when the object has been looked at. */
  anyVersion?: boolean;
}

/** A request's body as an object of the kind that the endpoint takes. */
export function readBody(
  body: Uint8Array | undefined,
  contentType: string | undefined,
  expected: Expected,
): { object: KubeObject; decoded: Decoded | undefined } {
  let decoded: Decoded | undefined;
  try {
    const apiVersion = versionOf(expected);
    decoded = decodeBody(body, contentType, { apiVersion, kind: expected.kind });
    if (!decoded && mediaType(contentType) === "application/yaml") {
      return { object: asObject(null, expected), decoded };
    }
    if (!decoded) throw badRequest("unexpected end of JSON input");
    const object = asObject(decoded.value, expected);
    return { object: decoded.repeats ? again(object, decoded, expected) : object, decoded };
  } catch (error) {
    if (error instanceof StatusError && error.cause instanceof MessageError)
      throw undecodable(error.cause, expected);
    const unread =
      error instanceof StatusError && error.reason === "BadRequest" && !(error instanceof WrongKindError);
    if (!unread) throw error;
    if (error instanceof MissingKindError) {
      const given = body ?? new Uint8Array(0);
      const problem = `${error.message} in '${Buffer.from(given).toString()}' (${summarize(given)})`;
      throw badRequest(
        `the object provided is unrecognized (must be of type ${expected.kind}): ${problem}`,
        error,
      );
    }
    throw badRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): ${unreadable(error)} (${summarize(body ?? new Uint8Array(0))})`,
      error,
    );
  }
}

/** A JSON body that may have members twice, read by its type. */
function again(object: KubeObject, decoded: Decoded, expected: Expected): KubeObject {
  const type = expected.schema === undefined ? undefined : schemaOf(expected.schema);
  if (!type || decoded.format !== "json" || object.apiVersion !== versionOf(expected)) return object;
  const { value, strict } = readRepeated(type, decoded.text);
  decoded.value = value;
  decoded.strict = strict;
  return asObject(value, expected);
}

/** Why a body could not be read. What cannot be read at all has no prefix, unless it should have been JSON. */
export function unreadable(error: StatusError): string {
  const { cause, message } = error;
  const bare =
    cause instanceof GoYamlError || cause instanceof WireError || error instanceof GroupVersionError;
  return `${bare ? "" : "couldn't get version/kind; json parse error: "}${message}`;
}

/** A protobuf body that says what it is and cannot be read as that. */
function undecodable(problem: MessageError, expected: Expected): StatusError {
  const { apiVersion, kind } = problem;
  const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
  const why = problem.unknown ? notRegistered(kind, apiVersion) : problem.message;
  return badRequest(
    `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${expected.kind}: ${why}`,
    problem,
  );
}

class GroupVersionError extends StatusError {}
class MissingKindError extends StatusError {}
class WrongKindError extends StatusError {}

const versionOf = ({ group, version }: Expected): string => (group === "" ? version : `${group}/${version}`);

/** A decoded value as an object of the kind. `null` is an object without anything. */
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

/** `/v1` is the version of a group without a name, as clients put both together that do not look. */
const withoutGroup = (apiVersion: string): string =>
  apiVersion.lastIndexOf("/") === 0 ? apiVersion.slice(1) : apiVersion;

/** Before anything else of a body, its version and kind are read. Throws 400 where these cannot be in there. */
export function checkShape(value: unknown): void {
  if (!isObject(value)) {
    const type = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    throw badRequest(
      `json: cannot unmarshal ${type} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  }
  for (const each in value) {
    const name = nameOf(each);
    const given = value[each];
    if (name === undefined || given === null || typeof given === "string") continue;
    const type = Array.isArray(given) ? "array" : typeof given === "boolean" ? "bool" : typeof given;
    throw badRequest(`json: cannot unmarshal ${type} into Go struct field .${name} of type string`);
  }
}

/** Whether it is the member of version or kind: here alone Go's decoder does not mind capitals. */
function nameOf(member: string): "apiVersion" | "kind" | undefined {
  if (member.length !== 4 && member.length !== 10) return undefined;
  const small = member.toLowerCase();
  return small === "kind" ? "kind" : small === "apiversion" ? "apiVersion" : undefined;
}

/** Version and kind under whatever capitals: the last one counts. The others are left for who looks for unknown fields. */
function takeNames(value: Record<string, unknown>): void {
  const names = Object.keys(value);
  if (names.every((each) => each === nameOf(each) || nameOf(each) === undefined)) return;
  for (const each of names) {
    const name = nameOf(each);
    if (name !== undefined && typeof value[each] === "string") value[name] = value[each];
  }
}

/** Throws 400, whose words stand for themselves. */
export function checkGroupVersion(apiVersion: string): void {
  if (apiVersion.split("/").length > 2)
    throw new GroupVersionError("BadRequest", `unexpected GroupVersion string: ${apiVersion}`);
}

/** Throws 400 for an object of another version than the path's. */
export function checkVersion(object: KubeObject, expected: Expected): void {
  const apiVersion = versionOf(expected);
  if (object.apiVersion !== apiVersion) throw otherVersion(object, apiVersion);
}

const otherVersion = (object: KubeObject, apiVersion: string): StatusError =>
  new WrongKindError(
    "BadRequest",
    `the API version in the data (${object.apiVersion ?? ""}) does not match the expected API version (${apiVersion})`,
  );

/** Custom resources say what they are. Another kind of the same version is told of when the object is validated. */
function checkCustomKind(object: KubeObject, expected: Expected, apiVersion: string): void {
  if (!object.kind) throw new MissingKindError("BadRequest", "Object 'Kind' is missing");
  if (object.apiVersion !== apiVersion) {
    const group = object.apiVersion?.slice(0, object.apiVersion.lastIndexOf("/"));
    if (expected.anyVersion && group === expected.group) return;
    throw otherVersion(object, apiVersion);
  }
}

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
