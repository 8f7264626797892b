/** JSON Patch, RFC 6902. */
import { deepClone, deepEqual, isObject, setMember } from "../deep.ts";

export interface JsonPatchOperation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

/** The patch does not fit the document, or is malformed. */
export class PatchError extends Error {
  override readonly name = "PatchError";
}

/** Copies can double a document with each operation; together they may add so many characters, as in Kubernetes. */
const copyLimit = 3 * 1024 * 1024;

function pointer(path: unknown): string[] {
  if (typeof path !== "string" || (path !== "" && !path.startsWith("/"))) {
    throw new PatchError(`invalid JSON pointer ${JSON.stringify(path)}`);
  }
  return path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function index(token: string, length: number, path: string): number {
  if (!/^(0|[1-9]\d*)$/.test(token) || Number(token) > length) {
    throw new PatchError(`Unable to access invalid index: ${token}: ${path}: invalid index referenced`);
  }
  return Number(token);
}

function child(value: unknown, token: string, path: string): unknown {
  if (Array.isArray(value)) {
    const at = index(token, value.length - 1, path);
    return value[at];
  }
  if (isObject(value) && Object.hasOwn(value, token)) return value[token];
  throw new PatchError(`doc is missing key: ${path}: missing value`);
}

function at(document: unknown, path: string): unknown {
  let value = document;
  for (const token of pointer(path)) value = child(value, token, path);
  return value;
}

interface Place {
  parent: unknown;
  token: string;
}

function placeOf(document: unknown, path: string): Place | undefined {
  const tokens = pointer(path);
  const token = tokens.pop();
  if (token === undefined) return undefined;
  let parent = document;
  for (const each of tokens) parent = child(parent, each, path);
  return { parent, token };
}

function add(document: unknown, path: string, value: unknown): unknown {
  const place = placeOf(document, path);
  if (!place) return value;
  const { parent, token } = place;
  if (Array.isArray(parent)) {
    parent.splice(token === "-" ? parent.length : index(token, parent.length, path), 0, value);
  } else if (isObject(parent)) setMember(parent, token, value);
  else throw new PatchError(`doc is missing path: ${path}: missing value`);
  return document;
}

function remove(document: unknown, path: string): unknown {
  const place = placeOf(document, path);
  if (!place) return null;
  const { parent, token } = place;
  child(parent, token, path);
  if (Array.isArray(parent)) parent.splice(Number(token), 1);
  else delete (parent as Record<string, unknown>)[token];
  return document;
}

/** Returns the patched document; the given one is not changed. Throws PatchError; then nothing was applied. */
export function applyJsonPatch<T>(document: T, operations: readonly JsonPatchOperation[]): T {
  if (!Array.isArray(operations)) throw new PatchError("a JSON patch is a list of operations");
  let result: unknown = deepClone(document);
  const copied = { size: 0 };
  for (const operation of operations) {
    if (!isObject(operation as unknown)) throw new PatchError("an operation is an object");
    try {
      result = applyOne(result, operation, copied);
    } catch (cause) {
      if (!(cause instanceof PatchError)) throw cause;
      throw new PatchError(`jsonpatch ${operation.op} operation does not apply: ${cause.message}`, { cause });
    }
  }
  return result as T;
}

function applyOne(document: unknown, operation: JsonPatchOperation, copied: { size: number }): unknown {
  const { op, path } = operation;
  if (typeof path !== "string") throw new PatchError("missing path");
  switch (op) {
    case "add":
      return add(document, path, deepClone(operation.value));
    case "remove":
      return remove(document, path);
    case "replace":
      if (path === "") return deepClone(operation.value);
      at(document, path);
      if (Array.isArray(placeOf(document, path)?.parent))
        return add(remove(document, path), path, deepClone(operation.value));
      return add(document, path, deepClone(operation.value));
    case "move": {
      const { from } = operation;
      if (typeof from !== "string") throw new PatchError("missing from");
      if (path.startsWith(`${from}/`)) throw new PatchError(`cannot move ${from} into itself`);
      const value = at(document, from);
      return add(remove(document, from), path, value);
    }
    case "copy": {
      if (typeof operation.from !== "string") throw new PatchError("missing from");
      const value = at(document, operation.from);
      copied.size += JSON.stringify(value)?.length ?? 0;
      if (copied.size > copyLimit) {
        throw new PatchError(
          `Unable to complete the copy, the accumulated size increase of copy is ${copied.size}, exceeding the limit ${copyLimit}`,
        );
      }
      return add(document, path, deepClone(value));
    }
    case "test":
      if (!deepEqual(at(document, path), operation.value))
        throw new PatchError(`testing value ${path} failed: test failed`);
      return document;
    default:
      throw new PatchError(`Unexpected kind: ${String(op)}`);
  }
}
