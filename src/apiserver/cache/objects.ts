import type { KubeObject } from "../../api/index.ts";
import { type Clock, type Logger, stamp } from "../../machinery/index.ts";
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
import { Readiness } from "./readiness.ts";
import { type Change, WatchCache } from "./watch-cache.ts";

/** Prefix of all keys of the API: `/registry/GROUP/PLURAL/[NAMESPACE/]NAME`, the core group as `core`. */
const registryPrefix = "/registry/";

/** Prefix of encrypted values. */
const encrypted = Buffer.from("k8s:enc:");

export const resourcePrefix = (group: string, plural: string): string =>
  `${registryPrefix}${group === "" ? "core" : group}/${plural}/`;

/** Interval of attempts to follow the store again, as in kube-apiserver. */
const retryMs = 1000;

/**
 * The whole store in memory: one watch cache per resource, all fed by one watch. When that breaks, everything is read anew until
 * the store can be followed again; `readiness` is false meanwhile.
 */
export class ObjectCaches implements ObjectReader {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #caches = new Map<string, WatchCache>();
  /** Objects that are being written, so that their values need not be parsed when the watch delivers them. */
  readonly #written = stamp<Uint8Array, KubeObject>();
  readonly #advanced = new Set<(revision: number) => void>();
  readonly readiness: Readiness;
  readonly #log: Logger;
  readonly #closed = new AbortController();
  #watch: StoreWatch | undefined;
  /** Why the current watch ended. */
  #broken: Error | undefined;
  #recovering = false;
  #floor = 0;
  /** Revision up to which the caches are complete. */
  revision = 0;

  constructor(store: Store, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.readiness = new Readiness(clock);
  }

  /**
   * Reads the store as of its oldest revision and replays the changes since, so that watches from before a restart can resume.
   * Begins with the present state if earlier ones cannot be decrypted.
   */
  async open(): Promise<void> {
    const base = Math.max(this.#store.compactedRevision, 1);
    try {
      await this.#openFrom(base);
    } catch (error) {
      if (!(error instanceof UnreadableValueError)) throw error;
      this.#watch?.close();
      this.#caches.clear();
      await this.#openFrom(undefined);
    }
  }

  /** `base`: the revision to begin with; undefined for the present one. */
  async #openFrom(base: number | undefined): Promise<void> {
    const read = await this.#readAll(base);
    const from = base ?? read.revision;
    this.#floor = from;
    this.revision = from;
    for (const { key, value, modRevision } of read.items) {
      const place = locate(key);
      if (place) this.#cache(place.resource).fill(this.#entry(place, value, modRevision));
    }
    await this.#follow(from);
  }

  #readAll(revision: number | undefined): ReturnType<Store["range"]> {
    return this.#store.range({
      from: registryPrefix,
      to: prefixEnd(registryPrefix),
      ...(revision === undefined ? {} : { revision }),
    });
  }

  /** Settles when the caches have the present state. From then on they recover when the watch breaks. */
  async #follow(from: number): Promise<void> {
    const target = this.#store.revision;
    let open = false;
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        open = true;
        resolve();
      };
      this.#broken = undefined;
      this.#watch = this.#store.watch(
        { from: "\0", to: "\uffff", after: from },
        {
          onEvents: (events, revision) => {
            this.#apply(events, revision);
            if (revision >= target) done();
          },
          onError: (error) => {
            if (open) this.#lose(error);
            else reject(error);
          },
        },
      );
      if (this.revision >= target) done();
    });
  }

  #lose(error: Error): void {
    this.#log.error("the store cannot be followed, all of it is read anew", { error });
    this.#broken = error;
    this.readiness.lose(error);
    this.#tellAdvanced();
    if (!this.#recovering) void this.#recover();
  }

  async #recover(): Promise<void> {
    this.#recovering = true;
    while (this.readiness.error) {
      await this.#clock.sleep(retryMs, this.#closed.signal).catch(() => {});
      if (this.#closed.signal.aborted) return;
      try {
        await this.#readAnew();
        // The watch may have broken again just now.
        if (!this.#broken) this.readiness.regain();
      } catch (error) {
        this.#watch?.close();
        this.#log.warn("the store still cannot be followed", { error });
        this.readiness.lose(error as Error);
      }
    }
    this.#recovering = false;
    this.#log.info("the store is followed again", { revision: this.revision });
  }

  /** Brings all caches to the store's present state. Changes in between are unknown, so watches cannot begin before it. */
  async #readAnew(): Promise<void> {
    const { items, revision } = await this.#readAll(undefined);
    if (this.#closed.signal.aborted) return;
    const there = new Set<Entry>();
    const changed: { cache: WatchCache; entry: Entry }[] = [];
    for (const { key, value, modRevision } of items) {
      const place = locate(key);
      if (!place) continue;
      const cache = this.#cache(place.resource);
      const known = cache.get(place.key);
      if (known?.revision === modRevision) there.add(known);
      else changed.push({ cache, entry: this.#entry(place, value, modRevision) });
    }
    for (const { cache, entry } of changed) {
      there.add(entry);
      cache.put(entry);
    }
    for (const cache of this.#caches.values()) {
      for (const entry of [...cache.list("")]) {
        if (!there.has(entry)) cache.remove(entry.key, (previous) => atRevision(previous, revision));
      }
      cache.forget(revision);
    }
    this.#floor = revision;
    this.revision = revision;
    await this.#follow(revision);
    this.#tellAdvanced();
  }

  /** The object at this key, read from the store while the caches cannot be used. */
  async stored(key: string): Promise<Entry | undefined> {
    const { items } = await this.#store.range({ from: key });
    const place = locate(key);
    const [kv] = items;
    return place && kv ? this.#entry(place, kv.value, kv.modRevision) : undefined;
  }

  close(): void {
    this.#closed.abort();
    this.#watch?.close();
  }

  /** The cache of a stored resource. */
  of(group: string, plural: string): WatchCache {
    return this.#cache(`${group === "" ? "core" : group}/${plural}`);
  }

  /** Number and size of the objects of a resource; undefined when none was ever stored. */
  known(group: string, plural: string): { objects: number; bytes: number } | undefined {
    const cache = this.#caches.get(group === "" ? `core/${plural}` : `${group}/${plural}`);
    return cache && { objects: cache.size, bytes: cache.bytes };
  }

  /** Number, size and changes of the objects of each resource. */
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

  /** Remembers the object of a value that is about to be written. */
  expect(value: Uint8Array, object: KubeObject): void {
    this.#written.set(value, object);
  }

  /** Calls back whenever the caches reach a later revision, and when they lose the store. */
  onRevision(listener: (revision: number) => void): () => void {
    this.#advanced.add(listener);
    return () => this.#advanced.delete(listener);
  }

  /** True when the caches reach the revision in time. False at once while they do not follow the store. */
  async reaches(revision: number, ms: number): Promise<boolean> {
    if (this.revision >= revision) return true;
    if (this.readiness.error) return false;
    return new Promise((resolve) => {
      const finish = (reached: boolean): void => {
        timer.stop();
        stop();
        resolve(reached);
      };
      const stop = this.onRevision((now) => {
        if (now >= revision) finish(true);
        else if (this.readiness.error) finish(false);
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
      // It was written by a server that was configured to encrypt.
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
    this.#tellAdvanced();
  }

  #tellAdvanced(): void {
    for (const listener of this.#advanced) listener(this.revision);
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

/** The resource of a key in the store, and the key within its cache. */
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
