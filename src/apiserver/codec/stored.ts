/**
 * The form objects are stored and served in: JSON with kind and apiVersion first, then metadata with name, namespace and
 * uid at its head. The resource version is not stored (the store gives it at commit); it is spliced in behind the uid,
 * so that an object is encoded once in its life, not once per reader.
 */
import type { KubeObject, ObjectMeta, OwnedFields } from "../../api/index.ts";
import {
  type FieldSet,
  isObject,
  parseExact,
  settleRaw,
  stringifyExact,
  stringifyRaw,
  textOfFieldSet,
  textOfPart,
} from "../../machinery/index.ts";

/**
 * `rawFields`: fields that are written with their original text. `shared`: the texts of spec and status are remembered, since the
 * next object may share these parts.
 */
export function encodeStored(
  object: KubeObject,
  kind: string,
  apiVersion: string,
  rawFields?: readonly string[],
  shared = false,
): Buffer {
  if (rawFields) settleRaw(rawFields, object);
  const stringify = rawFields ? stringifyRaw : stringifyExact;
  const {
    kind: _kind,
    apiVersion: _version,
    metadata,
    ...rest
  } = object as KubeObject & Record<string, unknown>;
  const { managedFields } = metadata as ObjectMeta;
  const ordered = inGoOrder(metadata as ObjectMeta);
  if (!managedFields || managedFields.length === 0)
    return Buffer.from(stringify({ kind, apiVersion, metadata: ordered, ...rest }));
  const head = stringifyExact({ kind, apiVersion, metadata: ordered });
  const members = shared ? textOfMembers(rest) : stringify(rest).slice(1, -1);
  // managedFields are most of many objects, and are text already: they come last in the metadata.
  const owners = `"managedFields":[${managedFields.map(ownersText).join(",")}]`;
  const comma = head.endsWith("{}}") ? "" : ",";
  return Buffer.from(`${head.slice(0, -2)}${comma}${owners}}${members === "" ? "" : ","}${members}}`);
}

/** The JSON of an object without its braces. */
function textOfMembers(members: Record<string, unknown>): string {
  let text = "";
  for (const name in members) {
    const value = members[name];
    if (value === undefined) continue;
    const isPart = typeof value === "object" && value !== null;
    text += `${text === "" ? "" : ","}${JSON.stringify(name)}:${isPart ? textOfPart(value) : stringifyExact(value)}`;
  }
  return text;
}

/** Metadata in Go's order, without resourceVersion and managedFields. */
function inGoOrder(metadata: ObjectMeta): ObjectMeta {
  const {
    name,
    generateName,
    namespace,
    uid,
    resourceVersion: _revision,
    selfLink: _link,
    generation,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    labels,
    annotations,
    ownerReferences,
    finalizers,
    managedFields: _owned,
    ...others
  } = metadata;
  return {
    name,
    generateName,
    namespace,
    uid,
    generation,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    labels,
    annotations,
    ownerReferences,
    finalizers,
    ...others,
  } as ObjectMeta;
}

function ownersText(entry: OwnedFields): string {
  const { fieldsV1, ...rest } = entry;
  if (!isObject(fieldsV1)) return stringifyExact(entry);
  const said = stringifyExact(rest);
  const set = `"fieldsV1":${textOfFieldSet(fieldsV1 as FieldSet)}}`;
  return said === "{}" ? `{${set}` : `${said.slice(0, -1)},${set}`;
}

const uidMark = Buffer.from('"uid":"');

const versionText = (revision: number | string): string =>
  `,"resourceVersion":${typeof revision === "number" ? `"${revision}"` : JSON.stringify(revision)}`;

/** Length of the resource version in an object's JSON. */
export const resourceVersionLength = (revision: number): number => versionText(revision).length;

/** Where the resource version goes: behind the uid. Negative without a uid. */
function versionPlace(stored: Buffer): number {
  const uid = stored.indexOf(uidMark);
  const end = uid < 0 ? -1 : stored.indexOf(0x22, uid + uidMark.length);
  return end < 0 ? -1 : end + 1;
}

/** True when these stored bytes, with this resource version, equal `shown`. The lengths must match. */
export function isStoredAs(stored: Buffer, revision: number, shown: Buffer): boolean {
  const at = versionPlace(stored);
  if (at < 0) return withResourceVersion(stored, revision).equals(shown);
  const behind = at + resourceVersionLength(revision);
  return stored.compare(shown, 0, at, 0, at) === 0 && stored.compare(shown, behind, shown.length, at) === 0;
}

/** The stored bytes with `metadata.resourceVersion`: a revision, or the text that a dry run was given. */
export function withResourceVersion(stored: Uint8Array, revision: number | string): Buffer {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const at = versionPlace(bytes);
  if (at < 0) {
    const object = parseExact(bytes.toString()) as KubeObject;
    object.metadata = { ...object.metadata, resourceVersion: String(revision) };
    return Buffer.from(stringifyExact(object));
  }
  const text = versionText(revision);
  // Allocated outside the pool: these bytes live long and must not keep a whole block of it alive.
  const length = bytes.length + Buffer.byteLength(text);
  const out = Buffer.allocUnsafeSlow(length + 1);
  bytes.copy(out, 0, 0, at);
  const end = at + out.write(text, at);
  bytes.copy(out, end, at);
  out[length] = lineFeed;
  return out.subarray(0, length);
}

const lineFeed = 0x0a;

/** An object's bytes with a line feed, as they are answered. Not copied where the memory already ends with one. */
export function lineOf(json: Buffer): Buffer {
  const { buffer, byteOffset, length } = json;
  if (byteOffset + length + 1 === buffer.byteLength) {
    const line = Buffer.from(buffer, byteOffset, length + 1);
    if (line[length] === lineFeed) return line;
  }
  return Buffer.concat([json, Buffer.of(lineFeed)]);
}
