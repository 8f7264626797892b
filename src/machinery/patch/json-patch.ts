/**
 * JSON Patch, RFC 6902, like Kubernetes (evanphx/json-patch v4): missing members may be replaced and copied, negative indexes
 * count from the end, and errors are the same.
 */
import { isObject, setMember, sortMembers } from "../deep.ts";
import { cloneExact, copyAllWritten, copyWritten, writtenAs } from "../exact-json.ts";

export interface JsonPatchOperation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

/** The patch is malformed or cannot be applied. */
export class PatchError extends Error {
  override readonly name: string = "PatchError";
}

/** A `test` operation failed. */
export class PatchTestFailed extends PatchError {}

/** Limit of the bytes added by copies, as in Kubernetes, since each can double the document. */
const copyLimit = 3 * 1024 * 1024;

const missing = "missing value";

/** The target of an operation: a member or an index of a container. */
class Place {
  readonly #container: Container;
  readonly key: string;

  constructor(container: Container, key: string) {
    this.#container = container;
    this.key = key;
  }

  /** Undefined for a missing member. Throws for an invalid index. */
  get(): unknown {
    const container = this.#container;
    if (Array.isArray(container)) return container[this.#index(container.length)];
    return Object.hasOwn(container, this.key) ? container[this.key] : undefined;
  }

  /** How the number that is there was written, where that is known. */
  text(): string | undefined {
    const container = this.#container;
    return writtenAs(container, Array.isArray(container) ? this.#index(container.length) : this.key);
  }

  set(value: unknown): void {
    const container = this.#container;
    if (Array.isArray(container)) container[this.#index(container.length)] = value;
    else setMember(container, this.key, value);
  }

  /** Keeps the original text of an operation's number. */
  note(operation: object): void {
    if (!Array.isArray(this.#container)) copyWritten(operation, "value", this.#container, this.key);
  }

  add(value: unknown): void {
    const container = this.#container;
    if (!Array.isArray(container)) setMember(container, this.key, value);
    else if (this.key === "-") container.push(value);
    else {
      let index: number;
      try {
        index = this.#index(container.length + 1);
      } catch (cause) {
        const { message } = cause as PatchError;
        if (!message.startsWith("strconv")) throw cause;
        throw new PatchError(`value was not a proper array index: '${this.key}': ${message}`, { cause });
      }
      container.splice(index, 0, value);
    }
  }

  remove(): void {
    const container = this.#container;
    if (Array.isArray(container)) container.splice(this.#index(container.length), 1);
    else if (Object.hasOwn(container, this.key)) delete container[this.key];
    else throw new PatchError(`Unable to remove nonexistent key: ${this.key}: ${missing}`);
  }

  #index(length: number): number {
    if (!/^[+-]?\d+$/.test(this.key))
      throw new PatchError(`strconv.Atoi: parsing ${JSON.stringify(this.key)}: invalid syntax`);
    const index = Number(this.key);
    if (index >= length || index < -length)
      throw new PatchError(`Unable to access invalid index: ${index}: invalid index referenced`);
    return index < 0 ? index + length : index;
  }
}

type Container = Record<string, unknown> | unknown[];

const isContainer = (value: unknown): value is Container => Array.isArray(value) || isObject(value);

/**
 * Returns the patched document, which shares unchanged parts with the given one; that is not changed. Throws PatchError.
 * `sorted`: objects on the paths of operations get sorted members, as in Kubernetes.
 */
export function applyJsonPatch<T>(document: T, operations: readonly JsonPatchOperation[], sorted = false): T {
  if (!Array.isArray(operations)) throw new PatchError("a JSON patch is a list of operations");
  const patching = new Patching(document);
  for (const operation of operations) patching.apply(isObject(operation as unknown) ? operation : {});
  if (sorted) patching.sort();
  return patching.document as T;
}

class Patching {
  document: unknown;
  /** Containers created here, which may be changed. */
  readonly #own = new Set<unknown>();
  #copied = 0;

  constructor(document: unknown) {
    this.document = document;
  }

  /**
   * The target of a path, in containers that may be changed. Undefined when a container on the path is missing. Text before the
   * first slash is ignored.
   */
  #placeOf(path: string): Place | undefined {
    const tokens = path
      .split("/")
      .slice(1)
      .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    const key = tokens.pop();
    if (key === undefined || !isContainer(this.document)) return undefined;
    let container = this.#owned(this.document);
    this.document = container;
    for (const token of tokens) {
      const place = new Place(container, token);
      let next: unknown;
      try {
        next = place.get();
      } catch (error) {
        if (error instanceof PatchError) return undefined;
        throw error;
      }
      if (!isContainer(next)) return undefined;
      container = this.#owned(next);
      if (container !== next) place.set(container);
    }
    return new Place(container, key);
  }

  #owned<T extends Container>(container: T): T {
    if (this.#own.has(container)) return container;
    const copy = (Array.isArray(container) ? [...(container as unknown[])] : { ...container }) as T;
    if (!Array.isArray(container)) copyAllWritten(container, copy);
    this.#own.add(copy);
    return copy;
  }

  sort(): void {
    for (const container of this.#own) if (isObject(container)) sortMembers(container);
  }

  apply(operation: Partial<JsonPatchOperation>): void {
    switch (operation.op) {
      case "add":
        return this.#add(operation);
      case "remove":
        return this.#remove(operation);
      case "replace":
        return this.#replace(operation);
      case "move":
        return this.#move(operation);
      case "copy":
        return this.#copy(operation);
      case "test":
        return this.#test(operation);
      default: {
        const { op } = operation as { op?: unknown };
        throw new PatchError(`Unexpected kind: ${typeof op === "string" ? op : "unknown"}`);
      }
    }
  }

  #add(operation: Partial<JsonPatchOperation>): void {
    const path = pathOf(operation, "add", missing);
    const place = this.#placeOf(path);
    if (!place)
      throw new PatchError(`add operation does not apply: doc is missing path: "${path}": ${missing}`);
    within(`error in add for path: '${path}'`, () => place.add(valueOf(operation)));
    place.note(operation);
  }

  #remove(operation: Partial<JsonPatchOperation>): void {
    const path = pathOf(operation, "remove", missing);
    const place = this.#placeOf(path);
    if (!place)
      throw new PatchError(`remove operation does not apply: doc is missing path: "${path}": ${missing}`);
    within(`error in remove for path: '${path}'`, () => place.remove());
  }

  #replace(operation: Partial<JsonPatchOperation>): void {
    const path = pathOf(operation, "replace");
    const value = valueOf(operation);
    if (path === "") {
      if (!isContainer(value)) throw new PatchError("replace operation value must be object or array");
      this.document = value;
      return;
    }
    const place = this.#placeOf(path);
    const refused = (what: string): PatchError =>
      new PatchError(`replace operation does not apply: doc is missing ${what}: ${path}: ${missing}`);
    if (!place) throw refused("path");
    try {
      place.get();
    } catch (error) {
      throw error instanceof PatchError ? refused("key") : error;
    }
    place.set(value);
    place.note(operation);
  }

  #move(operation: Partial<JsonPatchOperation>): void {
    const from = fromOf(operation, "move");
    const source = this.#placeOf(from);
    if (!source)
      throw new PatchError(`move operation does not apply: doc is missing from path: ${from}: ${missing}`);
    const value = within(`error in move for path: '${source.key}'`, () => {
      const found = source.get();
      source.remove();
      return found;
    });
    const path = pathOf(operation, "move");
    const place = this.#placeOf(path);
    if (!place)
      throw new PatchError(
        `move operation does not apply: doc is missing destination path: ${path}: ${missing}`,
      );
    within(`error in move for path: '${path}'`, () => place.add(value));
  }

  #copy(operation: Partial<JsonPatchOperation>): void {
    const from = fromOf(operation, "copy");
    const source = this.#placeOf(from);
    if (!source)
      throw new PatchError(`copy operation does not apply: doc is missing from path: ${from}: ${missing}`);
    const value = within(`error in copy for from: '${from}'`, () => source.get()) ?? null;
    const path = pathOf(operation, "copy", missing);
    const place = this.#placeOf(path);
    if (!place)
      throw new PatchError(
        `copy operation does not apply: doc is missing destination path: ${path}: ${missing}`,
      );
    this.#copied += sizeOf(value);
    if (this.#copied > copyLimit) {
      throw new PatchError(
        `Unable to complete the copy, the accumulated size increase of copy is ${this.#copied}, exceeding the limit ${copyLimit}`,
      );
    }
    within("error while adding value during copy", () => place.add(cloneExact(value)));
  }

  #test(operation: Partial<JsonPatchOperation>): void {
    const path = pathOf(operation, "test");
    let found: Written = { value: this.document, text: undefined };
    if (path !== "") {
      const place = this.#placeOf(path);
      if (!place) throw new PatchError(`test operation does not apply: is missing path: ${path}: ${missing}`);
      found = within(`error in test for path: '${path}'`, () => ({ value: place.get(), text: place.text() }));
    }
    if (!sameAsWritten(found, { value: operation.value, text: writtenAs(operation, "value") }))
      throw new PatchTestFailed(`testing value ${path} failed: test failed`);
  }
}

/** A value, and how it was written if it is a number of which that is known. */
interface Written {
  value: unknown;
  text: string | undefined;
}

const memberOf = (holder: Container, name: string | number): Written => ({
  value: (holder as Record<string | number, unknown>)[name],
  text: writtenAs(holder, name),
});

const numberText = ({ value, text }: Written): string =>
  text ?? (Object.is(value, -0) ? "-0" : String(value));

/** Numbers are the same when they are written the same: 1 is not 1.0. What is not there is as good as null. */
function sameAsWritten(one: Written, other: Written): boolean {
  const [a, b] = [one.value ?? null, other.value ?? null];
  if (typeof a === "number" && typeof b === "number") return numberText(one) === numberText(other);
  if (!isContainer(a) || !isContainer(b)) return a === b;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((_, i) => sameAsWritten(memberOf(a, i), memberOf(b, i)))
    );
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameAsWritten(memberOf(a, name), memberOf(b, name)))
  );
}

/** Bytes of its JSON; numbers beyond 2^53 are written out. */
const sizeOf = (value: unknown): number =>
  value === null
    ? 0
    : Buffer.byteLength(JSON.stringify(value, (_, each) => (typeof each === "bigint" ? Number(each) : each)));

const valueOf = ({ value }: Partial<JsonPatchOperation>): unknown => cloneExact(value ?? null);

function pathOf({ path }: { path?: unknown }, op: string, why?: string): string {
  if (typeof path === "string") return path;
  const absent = path === undefined || path === null;
  const problem = absent ? `operation missing path field: ${missing}` : wrongType(path);
  throw new PatchError(`${op} operation failed to decode path: ${why ?? problem}`);
}

function fromOf({ from }: { from?: unknown }, op: string): string {
  if (typeof from === "string") return from;
  const absent = from === undefined || from === null;
  const problem = absent ? `operation, missing from field: ${missing}` : wrongType(from);
  throw new PatchError(`${op} operation failed to decode from: ${problem}`);
}

function wrongType(value: unknown): string {
  const what = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  return `json: cannot unmarshal ${what} into Go value of type string`;
}

function within<T>(where: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof PatchError)) throw cause;
    throw new PatchError(`${where}: ${cause.message}`, { cause });
  }
}
