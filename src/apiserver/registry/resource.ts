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
import { PackedRuns } from "../packing/packed-runs.ts";
import { type Clock, forgetText, readRawTexts } from "../../machinery/index.ts";

/** Who converts between the versions of a custom resource, and the clock it waits by. */
export interface Conversion {
  converter: ObjectConverter;
  clock: Clock;
}

/** One served resource: its definition and where its objects are. Two spellings of one kind share a cache. */
export class ServedResource {
  readonly def: KindDefinition;
  /** `v1`, `apps/v1` */
  readonly apiVersion: string;
  readonly cache: WatchCache;
  /** What objects are stored as. */
  readonly storedKind: string;
  readonly storedApiVersion: string;
  /**
   * Set where a webhook converts between versions. Then entries of the cache go through it before anything else is done
   * with them here, and objects of requests before they are stored.
   */
  readonly view: VersionView | undefined;
  /**
   * What is to be done before a stored change is acknowledged; undefined where nothing is. `now`: undefined when the object
   * is gone, `old` when it was not there.
   */
  afterChange?: (now: KubeObject | undefined, old: KubeObject | undefined) => Promise<void> | undefined;
  readonly #retiring = new AbortController();
  /** Start of the store's keys. */
  readonly #prefix: string;
  readonly #storedType: TypeSchema | undefined;
  /** How every object in this spelling begins. */
  readonly #head: Buffer;
  /** Where the part of an object's JSON begins that list items have: behind kind and apiVersion, but for custom resources. */
  readonly #itemStart: number;
  /** Bytes in this spelling when it is not the stored one. */
  readonly #converted = new WeakMap<Entry, Buffer>();
  readonly #convertedMessages = new WeakMap<Entry, Buffer>();
  /** Entries of a custom resource as this version shows them. */
  readonly #seen = new WeakMap<Entry, Entry>();
  /** Packed runs of objects as lists in JSON and in protobuf have them. */
  readonly packedJson = new PackedRuns();
  readonly packedMessages = new PackedRuns();
  /** What was written later was written under this definition. */
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

  /** Aborts when what defines the kind has changed: watches end, and begin anew with what is served then. */
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

  storeKey(cacheKey: string): string {
    return this.#prefix + cacheKey;
  }

  /** The whole object as this resource shows it. */
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

  /** Its length, which is remembered when the message itself is not. */
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
   * An entry of a custom resource as this version shows it: what is done to an object that is read is done once. Other kinds'
   * entries are as they are. Throws 500 for an object in a version that is defined no more.
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

  /** A copy in this resource's spelling. */
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

  /** Turns an object in stored spelling into this resource's, in place. Not for custom resources: see `seen`. */
  fromStored(object: KubeObject): void {
    this.def.storedAs?.fromStored(object);
    object.kind = this.def.kind;
    object.apiVersion = this.apiVersion;
  }

  /** A copy in this resource's spelling of an object in the stored one. */
  shown(object: KubeObject): KubeObject {
    const copy = structuredClone(object);
    this.fromStored(copy);
    return copy;
  }

  /** Likewise, with everything that Go writes always. */
  whole(object: KubeObject): KubeObject {
    const copy = structuredClone(object);
    // What no webhook converts is renamed.
    if (this.def.type) return Object.assign(copy, { kind: this.def.kind, apiVersion: this.apiVersion });
    this.complete(copy);
    this.fromStored(copy);
    const type = this.def.storedAs ? typeOfKind(this.def) : undefined;
    if (type) fillWritten(type, copy as Record<string, unknown>);
    return copy;
  }

  /** Read only, in this resource's spelling. */
  object(entry: Entry): KubeObject {
    if (this.def.type) return this.seen(entry).object;
    return this.def.storedAs ? this.copy(entry) : entry.object;
  }

  /** A copy of an object of which some is kept as text, as it is parsed. */
  reread(entry: Entry): KubeObject {
    const object = this.copy(entry);
    readRawTexts(this.def.rawFields ?? [], object, entry.json.toString());
    return object;
  }

  /** Turns a request's object into the stored spelling, in place. */
  toStored(object: KubeObject): void {
    this.def.storedAs?.toStored(object);
    object.kind = this.storedKind;
    object.apiVersion = this.storedApiVersion;
  }

  /**
   * Fills in what Go writes always, of an object in stored spelling. `nulls`: what is written as null too. `same`: parts that have it
   * all.
   */
  complete(object: KubeObject, nulls = true, same?: Parts): void {
    const type = this.#storedType;
    if (!type || !fillWritten(type, object as Record<string, unknown>, nulls, same)) return;
    if (this.def.sharesParts) forgetTexts(object);
  }

  /** A stored object without what Go writes as null. It is not changed. */
  withoutNulls(object: KubeObject): KubeObject {
    return this.#storedType ? withoutNulls(this.#storedType, object) : object;
  }

  /** An object of a custom resource's version as it is stored. The object is not changed. */
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
