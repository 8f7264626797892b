import {
  fillWritten,
  withoutNulls,
  findKindByName,
  type KindDefinition,
  type KubeObject,
  type Parts,
  type TypeSchema,
  typeOfKind,
} from "../../api/index.ts";
import type { Entry } from "../cache/entry.ts";
import { encodeMessage } from "../codec/protobuf/encode.ts";
import { messages } from "../codec/protobuf/messages.ts";
import { atRevision, type ObjectCaches, resourcePrefix } from "../cache/objects.ts";
import type { WatchCache } from "../cache/watch-cache.ts";
import { ConvertedEntry, type ObjectConverter, VersionView } from "../conversion/version-view.ts";
import { checkNameSegment } from "../name-segment.ts";
import { PackedRuns } from "../packing/packed-runs.ts";
import { type Clock, forgetText, readRawTexts } from "../../machinery/index.ts";

/** The conversion webhook of a custom resource, and the clock it waits by. */
export interface Conversion {
  converter: ObjectConverter;
  clock: Clock;
}

/** One served version of a resource: its definition and its cache, which all versions of the resource share. */
export class ServedResource {
  readonly def: KindDefinition;
  /** `v1`, `apps/v1` */
  readonly apiVersion: string;
  readonly cache: WatchCache;
  /** Kind and version in which objects are stored. */
  readonly storedKind: string;
  readonly storedApiVersion: string;
  /**
   * Set where a webhook converts between versions: entries of the cache pass through it before they are used, and objects of
   * requests before they are stored.
   */
  readonly view: VersionView | undefined;
  /**
   * Runs before a stored change is acknowledged, if set. `now` is undefined for a deletion, `old` for a creation.
   */
  afterChange?: (now: KubeObject | undefined, old: KubeObject | undefined) => Promise<void> | undefined;
  readonly #retiring = new AbortController();
  /** Prefix of its keys in the store. */
  readonly #prefix: string;
  readonly #storedType: TypeSchema | undefined;
  /** The beginning of the JSON of every object in this version. */
  readonly #head: Buffer;
  /** Offset of the JSON of list items: behind kind and apiVersion, except for custom resources. */
  readonly #itemStart: number;
  /** Bytes of entries in this version, if it is not the stored one. */
  readonly #converted = new WeakMap<Entry, Buffer>();
  readonly #convertedMessages = new WeakMap<Entry, Buffer>();
  /** Entries of a custom resource in this version. */
  readonly #seen = new WeakMap<Entry, Entry>();
  /** Compressed runs of objects for lists in JSON and in protobuf. */
  readonly packedJson = new PackedRuns();
  readonly packedMessages = new PackedRuns();
  /** Revision since which objects were written under this definition. */
  readonly #since: number;

  constructor(def: KindDefinition, caches: ObjectCaches, conversion?: Conversion) {
    const stored = def.storedAs ?? def;
    this.def = def;
    this.apiVersion = groupVersion(def);
    this.cache = caches.of(stored.group, stored.plural);
    this.storedKind = stored.kind;
    this.storedApiVersion = groupVersion(stored);
    const storedDef = def.storedAs ? findKindByName(stored.group, stored.version, stored.kind) : def;
    this.#storedType = storedDef && !def.type ? typeOfKind(storedDef) : undefined;
    this.#prefix = resourcePrefix(stored.group, stored.plural);
    this.#since = caches.revision;
    this.#head = Buffer.from(
      `{"kind":${JSON.stringify(def.kind)},"apiVersion":${JSON.stringify(this.apiVersion)},`,
    );
    this.#itemStart = def.type ? 1 : this.#head.length;
    if (def.conversion && conversion) {
      const { kind } = def;
      const { apiVersion, storedApiVersion, cache } = this;
      const own = (entry: Entry): Entry => this.seen(entry);
      const version = { kind, apiVersion, storedApiVersion, hooks: def.conversion, own };
      this.view = new VersionView(version, conversion.converter, cache, conversion.clock);
    }
  }

  /** Aborts when the definition changes, which ends watches; clients begin new ones. */
  get retired(): AbortSignal {
    return this.#retiring.signal;
  }

  retire(): void {
    this.#retiring.abort();
  }

  /** Key in the cache. */
  key(namespace: string, name: string): string {
    return this.def.namespaced ? `${namespace}/${name}` : name;
  }

  /** For the names in a path. Throws 400 for an invalid one; called after all other checks of the request. */
  keyOf(named: { namespace: string; name: string }): string {
    checkNameSegment(named.name);
    return this.key(named.namespace, named.name);
  }

  storeKey(cacheKey: string): string {
    return this.#prefix + cacheKey;
  }

  /** The whole object in this version. */
  json(entry: Entry): Buffer {
    const { storedAs, type } = this.def;
    if (type) return this.seen(entry).json;
    if (!storedAs) return entry.json;
    let bytes = this.#converted.get(entry);
    if (!bytes) {
      const { kind: _kind, apiVersion: _version, ...rest } = this.copy(entry);
      bytes = Buffer.from(JSON.stringify({ kind: this.def.kind, apiVersion: this.apiVersion, ...rest }));
      this.#converted.set(entry, bytes);
    }
    return bytes;
  }

  /** The object's protobuf message, without an envelope. Only for kinds that have one, after the table is loaded. */
  message(entry: Entry): Buffer {
    const { schema, storedAs } = this.def;
    if (!storedAs) return entry.message((object) => encodeMessage(messages(), schema as string, object));
    let bytes = this.#convertedMessages.get(entry);
    if (!bytes) {
      bytes = encodeMessage(messages(), schema as string, this.copy(entry));
      this.#convertedMessages.set(entry, bytes);
    }
    return bytes;
  }

  /** Length of the protobuf message, remembered beyond the message itself. */
  messageLength(entry: Entry): number {
    return this.def.storedAs
      ? this.message(entry).length
      : (entry.messageLength ?? this.message(entry).length);
  }

  /** What follows the opening brace of a list item: typed lists leave out kind and apiVersion of their items. */
  itemTail(entry: Entry): Buffer {
    return this.json(entry).subarray(this.#itemStart);
  }

  /**
   * An entry of a custom resource in this version: pruned and defaulted, once. Entries of other kinds are returned as they are.
   * Throws 500 for an object in a version that is no longer defined.
   */
  seen(entry: Entry): Entry {
    const { type, conversion, storedAs } = this.def;
    if (!type || !conversion || entry instanceof ConvertedEntry) return entry;
    const known = this.#seen.get(entry);
    if (known) return known;
    const own = entry.json.subarray(0, this.#head.length).equals(this.#head);
    if (!own && this.view) throw new Error(`${entry.key} was not converted to ${this.apiVersion}`);
    let seen = entry;
    if (!own || !conversion.isRead(entry.revision > this.#since, this.apiVersion, () => entry.object)) {
      const object = entry.copy();
      storedAs?.fromStored(object);
      seen = ConvertedEntry.of(entry.key, entry.revision, object);
    }
    this.#seen.set(entry, seen);
    return seen;
  }

  /** A copy in this version. */
  copy(entry: Entry): KubeObject {
    const { type, storedAs } = this.def;
    if (type) return this.seen(entry).copy();
    const object = entry.copy();
    if (!storedAs) return object;
    storedAs.fromStored(object);
    const own = typeOfKind(this.def);
    if (own) fillWritten(own, object as Record<string, unknown>);
    object.kind = this.def.kind;
    object.apiVersion = this.apiVersion;
    return object;
  }

  /** The same state under another revision, as watch events of deletions carry it. */
  at(entry: Entry, revision: number): Entry {
    const seen = this.seen(entry);
    const moved = atRevision(seen, revision);
    return seen instanceof ConvertedEntry
      ? new ConvertedEntry(moved.key, revision, moved.json, undefined)
      : moved;
  }

  /** Converts an object from the stored version to this one, in place. Not for custom resources: see `seen`. */
  fromStored(object: KubeObject): void {
    this.def.storedAs?.fromStored(object);
    object.kind = this.def.kind;
    object.apiVersion = this.apiVersion;
  }

  /** A copy in this version of an object in the stored one. */
  shown(object: KubeObject): KubeObject {
    const copy = structuredClone(object);
    this.fromStored(copy);
    return copy;
  }

  /** Likewise, with all fields that Go always writes. */
  whole(object: KubeObject): KubeObject {
    const copy = structuredClone(object);
    // Without a webhook only apiVersion and kind change.
    if (this.def.type) return Object.assign(copy, { kind: this.def.kind, apiVersion: this.apiVersion });
    this.complete(copy);
    this.fromStored(copy);
    const type = this.def.storedAs ? typeOfKind(this.def) : undefined;
    if (type) fillWritten(type, copy as Record<string, unknown>);
    return copy;
  }

  /** In this version; read only. */
  object(entry: Entry): KubeObject {
    if (this.def.type) return this.seen(entry).object;
    return this.def.storedAs ? this.copy(entry) : entry.object;
  }

  /** A copy of an object whose raw fields are parsed again. */
  reread(entry: Entry): KubeObject {
    const object = this.copy(entry);
    readRawTexts(this.def.rawFields ?? [], object, entry.json.toString());
    return object;
  }

  /** Converts a request's object to the stored version, in place. */
  toStored(object: KubeObject): void {
    this.def.storedAs?.toStored(object);
    object.kind = this.storedKind;
    object.apiVersion = this.storedApiVersion;
  }

  /**
   * Adds the fields that Go always writes to an object in the stored version. `nulls`: also those written as null. `same`:
   * complete parts.
   */
  complete(object: KubeObject, nulls = true, same?: Parts): void {
    const type = this.#storedType;
    if (!type || !fillWritten(type, object as Record<string, unknown>, nulls, same)) return;
    if (this.def.sharesParts) forgetTexts(object);
  }

  /** A stored object without the fields that Go writes as null. The argument is not changed. */
  withoutNulls(object: KubeObject): KubeObject {
    return this.#storedType ? withoutNulls(this.#storedType, object) : object;
  }

  /** Converts an object of a custom resource's version to the storage version. The argument is not changed. */
  async forStorage(object: KubeObject): Promise<KubeObject> {
    const { type, conversion } = this.def;
    if (!type || this.apiVersion === this.storedApiVersion) return object;
    if (this.view) return this.view.toStorage(object);
    const stored = { ...structuredClone(object), apiVersion: this.storedApiVersion };
    conversion?.converted(stored);
    return stored;
  }

  has(verb: string): boolean {
    return this.def.verbs.includes(verb);
  }
}

export const groupVersion = ({ group, version }: { group: string; version: string }): string =>
  group === "" ? version : `${group}/${version}`;

function forgetTexts(object: object): void {
  for (const part of Object.values(object)) if (typeof part === "object" && part !== null) forgetText(part);
}
