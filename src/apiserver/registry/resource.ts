import {
  fillWritten,
  findKindByName,
  type KindDefinition,
  type KubeObject,
  type TypeSchema,
  typeOfKind,
} from "../../api/index.ts";
import type { Entry } from "../cache/entry.ts";
import { encodeMessage } from "../codec/protobuf/encode.ts";
import { messages } from "../codec/protobuf/messages.ts";
import { atRevision, type ObjectCaches, resourcePrefix } from "../cache/objects.ts";
import type { WatchCache } from "../cache/watch-cache.ts";
import { ConvertedEntry, type ObjectConverter, VersionView } from "../conversion/version-view.ts";
import type { Clock } from "../../machinery/index.ts";

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
  /** Selectable fields of entries that are shown otherwise than they are stored. */
  readonly #fields = new WeakMap<Entry, Record<string, string>>();

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
    this.#head = Buffer.from(
      `{"kind":${JSON.stringify(def.kind)},"apiVersion":${JSON.stringify(this.apiVersion)},`,
    );
    this.#itemStart = def.type ? 1 : this.#head.length;
    if (def.conversion && conversion) {
      const { kind } = def;
      const { apiVersion, storedApiVersion, cache } = this;
      const version = { kind, apiVersion, storedApiVersion, hooks: def.conversion };
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
    if (this.#isPlain(entry)) return entry.json;
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

  /** The value of a selectable field, read once. */
  field(entry: Entry, name: string, read: (object: KubeObject) => string): string {
    // What is selected of a cluster's own kind is what its version shows.
    if (!this.def.type || this.#isPlain(entry)) return entry.field(name, read);
    let fields = this.#fields.get(entry);
    if (!fields) {
      fields = {};
      this.#fields.set(entry, fields);
    }
    fields[name] ??= read(this.copy(entry));
    return fields[name];
  }

  /** A copy in this resource's spelling. */
  copy(entry: Entry): KubeObject {
    const object = entry.copy();
    if (this.def.storedAs && !this.#isConverted(entry)) {
      this.def.storedAs.fromStored(object);
      const type = this.def.type ? undefined : typeOfKind(this.def);
      if (type) fillWritten(type, object as Record<string, unknown>);
      object.kind = this.def.kind;
      object.apiVersion = this.apiVersion;
    }
    return object;
  }

  /** True when the entry's bytes are what is shown. */
  #isPlain(entry: Entry): boolean {
    const { storedAs } = this.def;
    if (!storedAs || this.#isConverted(entry)) return true;
    return storedAs.asItIs === true && entry.json.subarray(0, this.#head.length).equals(this.#head);
  }

  /** True for an entry that is as this version shows it. Throws for one that should have gone through `view`. */
  #isConverted(entry: Entry): boolean {
    if (!this.view) return false;
    if (entry instanceof ConvertedEntry) return true;
    if (this.view.known(entry) !== entry)
      throw new Error(`${entry.key} was not converted to ${this.apiVersion}`);
    return false;
  }

  /** The same state under another revision, as watch events of deletions carry it. */
  at(entry: Entry, revision: number): Entry {
    return this.view && this.#isConverted(entry)
      ? this.view.at(entry, revision)
      : atRevision(entry, revision);
  }

  /** Turns an object in stored spelling into this resource's, in place. */
  fromStored(object: KubeObject): void {
    // The webhook has done that.
    if (this.view && object.apiVersion === this.apiVersion) return;
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
    this.complete(copy);
    this.fromStored(copy);
    const type = this.def.storedAs && !this.def.type ? typeOfKind(this.def) : undefined;
    if (type) fillWritten(type, copy as Record<string, unknown>);
    return copy;
  }

  /** Read only, in this resource's spelling. */
  object(entry: Entry): KubeObject {
    return this.def.storedAs && !this.#isConverted(entry) ? this.copy(entry) : entry.object;
  }

  /** Turns a request's object into the stored spelling, in place. */
  toStored(object: KubeObject): void {
    this.def.storedAs?.toStored(object);
    object.kind = this.storedKind;
    object.apiVersion = this.storedApiVersion;
  }

  /** Fills in what Go writes always, of an object in stored spelling. */
  complete(object: KubeObject): void {
    this.def.storedAs?.complete?.(object);
    if (this.#storedType) fillWritten(this.#storedType, object as Record<string, unknown>);
  }

  has(verb: string): boolean {
    return this.def.verbs.includes(verb);
  }
}

export const groupVersion = ({ group, version }: { group: string; version: string }): string =>
  group === "" ? version : `${group}/${version}`;
