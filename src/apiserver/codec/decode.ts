import { isUtf8 } from "node:buffer";
import { type KubeObject, readRepeated, schemaOf } from "../../api/index.ts";
import {
  countMembers,
  GoYamlError,
  isObject,
  jsonProblem,
  parseExact,
  StatusError,
  stringifyExact,
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
import { maxBodyBytes, tooLarge, usableDepth, withoutDepths, yamlTooDeep } from "./body-limits.ts";
import { applyType, bodyTypes, mediaType, wellFormed } from "./media-type.ts";
import {
  asObject,
  type Expected,
  GroupVersionError,
  MissingKindError,
  notRegistered,
  versionOf,
  WrongKindError,
} from "./type-meta.ts";

/** A decoded body with the text it came from; the text is needed to find duplicate fields. */
export interface Decoded {
  value: unknown;
  text: string;
  format: "json" | "yaml" | "protobuf";
  /** The mark in value and text that replaces values nested too deep. */
  cut?: string;
  /** False when no object of a JSON text has duplicate members. */
  repeats?: boolean;
  /** Strict decoding errors about duplicate keys of a JSON text, if its type was known when it was parsed. */
  strict?: readonly string[];
  /** Duplicate keys of YAML, in Go's words. */
  duplicates?: readonly string[];
}

/** `undefined` for an empty body. `expected`: the kind of protobuf without a type. Throws StatusError. */
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
  checkBodyType(contentType);
  if (type === "" || type === "application/json") {
    return { ...parseDeepJson(text), format: "json" };
  }
  if (type === "application/yaml") {
    const { text: usable, cut } = yamlText(body, text);
    const { value, duplicates } = parseYaml(body, usable);
    // Go converts it to JSON first, with sorted keys, so errors are found in that order.
    return { value: keysInOrder(value), duplicates, text, format: "yaml", ...(cut ? { cut } : {}) };
  }
  throw unsupportedMediaType(bodyTypes);
}

/** Throws 415 for a content type that cannot carry an object, even without a body. */
export function checkBodyType(contentType: string | undefined): void {
  if (!contentType) return;
  const known = ["", "application/json", "application/yaml", protobufType].includes(mediaType(contentType));
  if (!known || !wellFormed.test(contentType)) throw unsupportedMediaType(bodyTypes);
}

/** YAML bodies with cut values, so that they are cut once. */
const cutTexts = new WeakMap<Uint8Array, { text: string; cut?: string }>();

/** The text to parse as YAML: JSON in it is cut at the depth of JSON. Throws StatusError. */
function yamlText(body: Uint8Array, text: string): { text: string; cut?: string } {
  return cutTexts.get(body) ?? (/^\s*\{/.test(text) ? withoutDepths(text, yamlTooDeep) : { text });
}

/** Parses a long YAML body in another thread; does nothing for other types. Throws StatusError when it needs too much memory. */
export async function readLongYaml(body: Uint8Array, contentType: string | undefined): Promise<void> {
  const type = mediaType(contentType);
  const patches = type === applyType;
  if ((!patches && type !== "application/yaml") || body.length > maxBodyBytes || !isUtf8(body)) return;
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  const usable = patches ? { text } : yamlText(body, text);
  if (usable.cut) cutTexts.set(body, usable);
  if (!(await readAside(body, usable.text))) throw tooLarge();
}

/** A parsed JSON text. */
export interface ReadJson {
  value: unknown;
  text: string;
  /** The mark that replaces values nested too deep. */
  cut?: string;
  /** False when no object has duplicate members. */
  repeats: boolean;
}

/** Throws StatusError with the error of Go's decoder. */
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
  // Lone surrogates become U+FFFD, as in Go.
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

/** A copy with `text` applied to every string, and `keys` to the keys of every map. */
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

/** A request's body as an object of the kind that the endpoint takes. */
export function readBody(
  body: Uint8Array | undefined,
  contentType: string | undefined,
  expected: Expected,
): { object: KubeObject; decoded: Decoded | undefined } {
  let decoded: Decoded | undefined;
  checkBodyType(contentType);
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
      const text = decoded?.format === "yaml" && expected.lenient ? asJson(decoded.value) : given;
      const problem = `${error.message} in '${Buffer.from(text).toString()}'`;
      const { kind, version } = expected;
      throw badRequest(
        expected.lenient
          ? `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${problem}`
          : `the object provided is unrecognized (must be of type ${kind}): ${problem} (${summarize(given)})`,
        error,
      );
    }
    throw badRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): ${unreadable(error)} (${summarize(body ?? new Uint8Array(0))})`,
      error,
    );
  }
}

/** What YAML became before it was decoded. */
const asJson = (value: unknown): Buffer => Buffer.from(stringifyExact(keysInOrder(value)));

/** Decodes a JSON body with duplicate keys again, by its type. */
function again(object: KubeObject, decoded: Decoded, expected: Expected): KubeObject {
  const type = expected.schema === undefined ? undefined : schemaOf(expected.schema);
  if (!type || decoded.format !== "json" || object.apiVersion !== versionOf(expected)) return object;
  const { value, strict } = readRepeated(type, decoded.text);
  decoded.value = value;
  decoded.strict = strict;
  return asObject(value, expected);
}

/** Why a body could not be read. Bodies that cannot be parsed at all have no prefix, except JSON. */
export function unreadable(error: StatusError): string {
  const { cause, message } = error;
  const bare =
    cause instanceof GoYamlError || cause instanceof WireError || error instanceof GroupVersionError;
  return `${bare ? "" : "couldn't get version/kind; json parse error: "}${message}`;
}

/** The error of a protobuf body that cannot be decoded as its kind. */
function undecodable(problem: MessageError, expected: Expected): StatusError {
  const { apiVersion, kind } = problem;
  const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
  const why = problem.unknown ? notRegistered(kind, apiVersion) : problem.message;
  return badRequest(
    `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${expected.kind}: ${why}`,
    problem,
  );
}
