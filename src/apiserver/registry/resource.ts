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
import { type ObjectCaches, resourcePrefix } from "../cache/objects.ts";
import type { WatchCache } from "../cache/watch-cache.ts";

/** One served resource: its definition and where its objects are. Two spellings of one kind share a cache. */
export class ServedResource {
  readonly def: KindDefinition;
  /** `v1`, `apps/v1` */
  readonly apiVersion: string;
  readonly cache: WatchCache;
  /** What objects are stored as. */
  readonly storedKind: string;
  readonly storedApiVersion: string;
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

  constructor(def: KindDefinition, caches: ObjectCaches) {
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
    const { storedAs } = this.def;
    if (!storedAs || (storedAs.asItIs && entry.json.subarray(0, this.#head.length).equals(this.#head)))
      return entry.json;
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

  /** A copy in this resource's spelling. */
  copy(entry: Entry): KubeObject {
    const object = entry.copy();
    if (this.def.storedAs) {
      this.def.storedAs.fromStored(object);
      const type = this.def.type ? undefined : typeOfKind(this.def);
      if (type) fillWritten(type, object as Record<string, unknown>);
      object.kind = this.def.kind;
      object.apiVersion = this.apiVersion;
    }
    return object;
  }

  /** Turns an object in stored spelling into this resource's, in place. */
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
    this.complete(copy);
    this.fromStored(copy);
    const type = this.def.storedAs && !this.def.type ? typeOfKind(this.def) : undefined;
    if (type) fillWritten(type, copy as Record<string, unknown>);
    return copy;
  }

  /** Read only, in this resource's spelling. */
  object(entry: Entry): KubeObject {
    return this.def.storedAs ? this.copy(entry) : entry.object;
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
