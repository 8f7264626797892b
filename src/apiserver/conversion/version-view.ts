/** The objects of a resource in one version, for definitions with a conversion webhook. */
import type { KubeObject, VersionConversion } from "../../api/index.ts";
import type { Clock } from "../../machinery/index.ts";
import { Entry } from "../cache/entry.ts";
import type { WatchCache } from "../cache/watch-cache.ts";
import { encodeStored, withResourceVersion } from "../codec/stored.ts";
import { ConvertedChanges } from "./converted-changes.ts";
import { ConversionError } from "./review.ts";

/**
 * A conversion begun by another request. Undefined when it failed after an answer, since another object of that request may be
 * the cause; rejects when the webhook did not answer.
 */
function shared(pending: Promise<Entry>): Promise<Entry | undefined> {
  const result = pending.catch((error: unknown) => {
    if (error instanceof ConversionError && !error.answered) throw error;
    return undefined;
  });
  // Failures without a waiter are not unhandled rejections.
  result.catch(() => {});
  return result;
}

/** An entry in the requested version, whose bytes are sent to clients. */
export class ConvertedEntry extends Entry {
  /** Of an object of that version; without a resource version when `revision` is 0. */
  static of(key: string, revision: number, object: KubeObject): ConvertedEntry {
    const bytes = encodeStored(object, object.kind as string, object.apiVersion as string);
    const shown = revision === 0 ? bytes : withResourceVersion(bytes, revision);
    return new ConvertedEntry(key, revision, shown, undefined);
  }
}

/** Asks a webhook (`converter.ts`); rejects with the error to answer with. */
export interface ObjectConverter {
  convert(objects: readonly KubeObject[], apiVersion: string): Promise<KubeObject[]>;
}

export interface ViewedVersion {
  kind: string;
  apiVersion: string;
  storedApiVersion: string;
  hooks: VersionConversion;
  /** The entry in its own version, pruned and defaulted. */
  own(entry: Entry): Entry;
}

/**
 * Each revision of an object is converted once for all readers: the result is kept as long as the entry. A changed definition has
 * new views, so nothing of the old webhook stays.
 */
export class VersionView {
  readonly #version: ViewedVersion;
  readonly #converter: ObjectConverter;
  /** The beginning of the JSON of entries stored in this version. */
  readonly #head: Buffer;
  readonly #converted = new WeakMap<Entry, Entry | Promise<Entry>>();
  /** The changes of the cache in this version. */
  readonly changes: ConvertedChanges;

  constructor(version: ViewedVersion, converter: ObjectConverter, cache: WatchCache, clock: Clock) {
    this.#version = version;
    this.#converter = converter;
    this.#head = Buffer.from(
      `{"kind":${JSON.stringify(version.kind)},"apiVersion":${JSON.stringify(version.apiVersion)},`,
    );
    this.changes = new ConvertedChanges(cache, this, clock);
  }

  /** The converted entry, if it is cached. */
  known(entry: Entry): Entry | undefined {
    if (entry instanceof ConvertedEntry) return entry;
    const found = this.#converted.get(entry);
    if (found) return found instanceof Promise ? undefined : found;
    const own = entry.json.subarray(0, this.#head.length).equals(this.#head);
    return own ? this.#version.own(entry) : undefined;
  }

  async of(entry: Entry): Promise<Entry> {
    return this.known(entry) ?? ((await this.all([entry]))[0] as Entry);
  }

  /**
   * The entries in this version, in the same order. Rejects when one of them cannot be converted. `alone`: does not share
   * conversions of other requests.
   */
  async all(given: readonly Entry[], alone = false): Promise<Entry[]> {
    // Copied, since the cache's list may change.
    const entries = given.slice();
    const missing = entries.filter((entry) => !this.known(entry) && (alone || !this.#converted.has(entry)));
    if (missing.length > 0) this.#begin(missing);
    const own = new Set(missing);
    const waiting = entries.map((entry): Entry | Promise<Entry | undefined> => {
      const known = this.known(entry);
      if (known) return known;
      const pending = this.#converted.get(entry) as Promise<Entry>;
      return own.has(entry) ? pending : shared(pending);
    });
    const found: (Entry | undefined)[] = [];
    for (const each of waiting) found.push(each instanceof Promise ? await each : each);
    const failed = entries.filter((_, i) => !found[i]);
    if (failed.length === 0) return found as Entry[];
    const again = await this.all(failed, true);
    return found.map((entry) => entry ?? (again.shift() as Entry));
  }

  #begin(entries: readonly Entry[]): void {
    const all = this.#convert(entries);
    for (const [i, entry] of entries.entries()) {
      const one = all.then((done) => {
        const converted = done[i] as Entry;
        this.#converted.set(entry, converted);
        return converted;
      });
      // The next request calls the webhook again.
      one.catch(() => {
        if (this.#converted.get(entry) === one) this.#converted.delete(entry);
      });
      this.#converted.set(entry, one);
    }
  }

  async #convert(entries: readonly Entry[]): Promise<Entry[]> {
    const objects = entries.map((entry) => {
      const object = entry.copy();
      this.#version.hooks.read(object);
      return object;
    });
    const converted = await this.#converter.convert(objects, this.#version.apiVersion);
    return converted.map((object, i) => {
      const { key, revision } = entries[i] as Entry;
      this.#version.hooks.converted(object);
      return ConvertedEntry.of(key, revision, object);
    });
  }

  /** The same state under another revision. */
  at(entry: Entry, revision: number): Entry {
    return ConvertedEntry.of(entry.key, revision, entry.copy());
  }

  /** Converts an object of this version to another one; the result is as the webhook returned it. The object is not changed. */
  async convert(object: KubeObject, apiVersion: string): Promise<KubeObject> {
    const [converted] = await this.#converter.convert([object], apiVersion);
    return converted as KubeObject;
  }

  /** Converts an object of this version to the storage version. */
  async toStorage(object: KubeObject): Promise<KubeObject> {
    const { apiVersion, storedApiVersion, hooks } = this.#version;
    if (storedApiVersion === apiVersion) return object;
    const stored = await this.convert(object, storedApiVersion);
    hooks.converted(stored);
    return stored;
  }
}
