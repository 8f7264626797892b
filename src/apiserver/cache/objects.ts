import type { KubeObject } from "../../api/index.ts";
import { type Clock, stamp } from "../../machinery/index.ts";
import {
  prefixEnd,
  type Store,
  type StoreEvent,
  type StoreWatch,
  UnreadableValueError,
} from "../../store/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { ResourceTally } from "../metrics/storage.ts";
import { withResourceVersion } from "../codec/stored.ts";
import { Entry } from "./entry.ts";
import { type Change, WatchCache } from "./watch-cache.ts";

/** Everything the API stores lies below this key: `/registry/GROUP/PLURAL/[NAMESPACE/]NAME`, the core group as `core`. */
const registryPrefix = "/registry/";

/** What values begin with that are stored encrypted. */
const encrypted = Buffer.from("k8s:enc:");

export const resourcePrefix = (group: string, plural: string): string =>
  `${registryPrefix}${group === "" ? "core" : group}/${plural}/`;

/** The whole store in memory, one watch cache per resource, kept up by one watch. */
export class ObjectCaches implements ObjectReader {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #caches = new Map<string, WatchCache>();
  /** Objects of values that are on their way to the store, so that they need not be parsed when they come back. */
  readonly #written = stamp<Uint8Array, KubeObject>();
  readonly #advanced = new Set<(revision: number) => void>();
  #watch: StoreWatch | undefined;
  #floor = 0;
  /** Revision up to which the caches are complete. */
  revision = 0;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Reads the store as of the oldest revision it still knows and replays what happened since, so that watches from
   * before a restart can go on. Where former states cannot be read any more (they are encrypted with a key that was given
   * up), it begins with the present one. `onError` is called when the store's watch breaks later.
   */
  async open(onError: (error: Error) => void): Promise<void> {
    const base = Math.max(this.#store.compactedRevision, 1);
    try {
      await this.#openFrom(base, onError);
    } catch (error) {
      if (!(error instanceof UnreadableValueError)) throw error;
      this.#watch?.close();
      this.#caches.clear();
      await this.#openFrom(undefined, onError);
    }
  }

  /** `base`: the revision whose state it begins with; undefined for the present one. */
  async #openFrom(base: number | undefined, onError: (error: Error) => void): Promise<void> {
    const read = await this.#store.range({
      from: registryPrefix,
      to: prefixEnd(registryPrefix),
      ...(base === undefined ? {} : { revision: base }),
    });
    const from = base ?? read.revision;
    this.#floor = from;
    this.revision = from;
    for (const { key, value, modRevision } of read.items) {
      const place = locate(key);
      if (place) this.#cache(place.resource).fill(this.#entry(place, value, modRevision));
    }
    const target = this.#store.revision;
    let open = false;
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        open = true;
        resolve();
      };
      if (this.revision >= target) done();
      this.#watch = this.#store.watch(
        { from: "\0", to: "\uffff", after: from },
        {
          onEvents: (events, revision) => {
            this.#apply(events, revision);
            if (revision >= target) done();
          },
          onError: (error) => {
            if (open) onError(error);
            else reject(error);
          },
        },
      );
    });
  }

  close(): void {
    this.#watch?.close();
  }

  /** The cache of a resource as it is stored. */
  of(group: string, plural: string): WatchCache {
    return this.#cache(`${group === "" ? "core" : group}/${plural}`);
  }

  /** How much there is of a resource; undefined when none of it has ever been stored. */
  known(group: string, plural: string): { objects: number; bytes: number } | undefined {
    const cache = this.#caches.get(group === "" ? `core/${plural}` : `${group}/${plural}`);
    return cache && { objects: cache.size, bytes: cache.bytes };
  }

  /** How much there is of each resource, and how often it changed. */
  *tallies(): Iterable<ResourceTally> {
    for (const [name, { size: objects, bytes, changes, initial }] of this.#caches) {
      const cut = name.indexOf("/");
      const group = name.slice(0, cut);
      const resource = name.slice(cut + 1);
      yield { group: group === "core" ? "" : group, resource, objects, bytes, changes, initial };
    }
  }

  all(): Iterable<WatchCache> {
    return this.#caches.values();
  }

  /** Remembers the object behind bytes that are about to be written. */
  expect(value: Uint8Array, object: KubeObject): void {
    this.#written.set(value, object);
  }

  /** Calls back whenever the caches are complete up to a later revision. */
  onRevision(listener: (revision: number) => void): () => void {
    this.#advanced.add(listener);
    return () => this.#advanced.delete(listener);
  }

  /** True when the revision has come within the time. */
  async reaches(revision: number, ms: number): Promise<boolean> {
    if (this.revision >= revision) return true;
    return new Promise((resolve) => {
      const finish = (reached: boolean): void => {
        timer.stop();
        stop();
        resolve(reached);
      };
      const stop = this.onRevision((now) => {
        if (now >= revision) finish(true);
      });
      const timer = this.#clock.timer(ms, () => finish(false));
    });
  }

  get<T extends KubeObject>(group: string, resource: string, namespace: string | undefined, name: string) {
    const key = namespace ? `${namespace}/${name}` : name;
    return this.of(group, resource).get(key)?.object as T | undefined;
  }

  list<T extends KubeObject>(group: string, resource: string, namespace = ""): readonly T[] {
    return this.of(group, resource)
      .list(namespace)
      .map((entry) => entry.object as T);
  }

  onChange<T extends KubeObject>(
    group: string,
    resource: string,
    listener: (type: Change["type"], object: T, old: T | undefined) => void,
  ): () => void {
    return this.of(group, resource).subscribe((change) =>
      listener(change.type, change.entry.object as T, change.previous?.object as T | undefined),
    );
  }

  #cache(resource: string): WatchCache {
    let cache = this.#caches.get(resource);
    if (!cache) {
      cache = new WatchCache(this.#floor);
      this.#caches.set(resource, cache);
    }
    return cache;
  }

  #entry({ resource, key }: Place, stored: Uint8Array, revision: number): Entry {
    const object = this.#written.get(stored);
    this.#written.clear(stored);
    if (object?.metadata) object.metadata.resourceVersion = String(revision);
    try {
      return new Entry(key, revision, withResourceVersion(stored, revision), object);
    } catch (cause) {
      // A server that was told how to encrypt has written it.
      if (!Buffer.from(stored.subarray(0, encrypted.length)).equals(encrypted)) throw cause;
      const why = "identity transformer tried to read encrypted data";
      throw new UnreadableValueError(`${registryPrefix}${resource}/${key} cannot be read: ${why}`, { cause });
    }
  }

  #apply(events: readonly StoreEvent[], revision: number): void {
    for (const event of events) {
      const place = locate(event.type === "put" ? event.kv.key : event.key);
      if (!place) continue;
      const cache = this.#cache(place.resource);
      if (event.type === "put") cache.put(this.#entry(place, event.kv.value, revision));
      else cache.remove(place.key, (previous) => atRevision(previous, revision));
    }
    this.revision = revision;
    for (const listener of this.#advanced) listener(revision);
  }
}

/** The same state under another revision, as watch events of deletions carry it. */
export function atRevision(entry: Entry, revision: number): Entry {
  const old = `"resourceVersion":"${entry.revision}"`;
  const at = entry.json.indexOf(old);
  const json = Buffer.concat([
    entry.json.subarray(0, at),
    Buffer.from(`"resourceVersion":"${revision}"`),
    entry.json.subarray(at + old.length),
  ]);
  return new Entry(entry.key, revision, json, undefined);
}

/** Where an object is: its resource, and its key in that. */
interface Place {
  resource: string;
  key: string;
}

function locate(key: string): Place | undefined {
  if (!key.startsWith(registryPrefix)) return undefined;
  const group = key.indexOf("/", registryPrefix.length);
  const plural = key.indexOf("/", group + 1);
  if (group < 0 || plural < 0) return undefined;
  return { resource: key.slice(registryPrefix.length, plural), key: key.slice(plural + 1) };
}
