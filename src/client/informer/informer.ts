import type { KubeObject } from "../../api/index.ts";
import { type Clock, isReason, type Logger, StatusError } from "../../machinery/index.ts";
import type { ResourceClient } from "../resource.ts";
import { BackOff } from "./back-off.ts";
import { type IndexFunction, keyOf, ObjectCache } from "./cache.ts";

export type ChangeType = "add" | "update" | "delete";

/** For `update`, `old` is the previous object in the cache; for `delete`, `object` is the last known state. */
export type ChangeHandler<T> = (type: ChangeType, object: T, old?: T) => void;

export interface InformerOptions<T extends KubeObject> {
  resource: ResourceClient<T>;
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  clock: Clock;
  log: Logger;
  /** Ends the watch. */
  signal: AbortSignal;
  /** 0 <= x < 1; for the jitter of delays. */
  random?: (() => number) | undefined;
  /** Maximum backoff, in milliseconds. Default 3000. */
  maxBackOffMs?: number | undefined;
  /** Reduces each object to what is cached, e.g. its metadata; may modify and return its argument. */
  transform?: ((object: T) => T) | undefined;
}

/** A cache that follows the API server. Its objects are shared and must not be modified. */
export interface Informer<T extends KubeObject> {
  /** Resolves when the first list is in the cache and all handlers have processed it; rejects when stopped before. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /** Resolves when the watch has ended after `signal`. */
  readonly ended: Promise<void>;
  /** By `namespace/name` (cluster-scoped: `name`). */
  get(key: string): T | undefined;
  list(): T[];
  byIndex(name: string, value: string): T[];
  /** The handler is called with existing objects as `add`, at once. */
  onChange(handler: ChangeHandler<T>): void;
  addIndex(name: string, fn: IndexFunction<T>): void;
}

/** Short, since a component with a stale cache may send traffic to the wrong place. */
const maxWaitMs = 3000;
/** The server ends watches after about this time, which spreads them over servers and removes stale ones. */
const watchSeconds = 300;
/** Statuses that do not mean that the revision is the problem. */
const passing = new Set(["ServiceUnavailable", "TooManyRequests", "InternalError", "ServerTimeout"]);

export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  const { resource, namespace, clock, signal, transform } = options;
  const random = options.random ?? (() => 0.5);
  const log = options.log.with({ resource: resource.plural });
  const cache = new ObjectCache<T>();
  const handlers: ChangeHandler<T>[] = [];
  const selectors = { labelSelector: options.labelSelector, fieldSelector: options.fieldSelector };
  const synced = Promise.withResolvers<void>();
  // A rejection that nobody awaits must not end the process.
  synced.promise.catch(() => {});
  let hasSynced = false;
  const backOff = new BackOff(50, options.maxBackOffMs ?? maxWaitMs, random);

  const tell = (type: ChangeType, object: T, old?: T): void => {
    for (const handler of handlers) {
      try {
        handler(type, object, old);
      } catch (error) {
        log.error("change handler failed", { type, key: keyOf(object), error });
      }
    }
  };
  const keep = (object: T): T => {
    if (object.metadata?.managedFields) delete object.metadata.managedFields;
    return transform ? transform(object) : object;
  };
  const put = (object: T): void => {
    const kept = keep(object);
    const key = keyOf(kept);
    const before = cache.get(key);
    if (before && before.metadata?.resourceVersion === kept.metadata?.resourceVersion) return;
    cache.set(key, kept);
    if (before && before.metadata?.uid !== kept.metadata?.uid) {
      // Deleted and recreated between two lists: handlers must see the deletion.
      tell("delete", before);
      tell("add", kept);
    } else if (before) tell("update", kept, before);
    else tell("add", kept);
  };
  const remove = (object: T): void => {
    const kept = keep(object);
    const before = cache.delete(keyOf(kept));
    if (before && before.metadata?.uid !== kept.metadata?.uid) tell("delete", before);
    else if (before) tell("delete", kept);
  };

  /** Replaces the cache's content; returns the revision to watch from. */
  async function relist(resourceVersion: string | undefined): Promise<string> {
    const found = await resource.list(namespace, { ...selectors, resourceVersion, signal });
    const seen = new Set<string>();
    for (const object of found.items) seen.add(keyOf(object));
    for (const key of [...cache.keys()]) {
      if (seen.has(key)) continue;
      const gone = cache.delete(key);
      if (gone) tell("delete", gone);
    }
    for (const object of found.items) put(object);
    if (!hasSynced) {
      hasSynced = true;
      synced.resolve();
    }
    return found.metadata.resourceVersion ?? "";
  }

  async function follow(from: string): Promise<string> {
    let at = from;
    const started = clock.monotonic();
    const timeoutSeconds = Math.ceil(watchSeconds * (1 + random()));
    try {
      const events = resource.watch(namespace, {
        ...selectors,
        resourceVersion: at,
        allowWatchBookmarks: true,
        timeoutSeconds,
        signal,
      });
      for await (const event of events) {
        const version = event.object.metadata?.resourceVersion;
        if (event.type === "DELETED") remove(event.object);
        else if (event.type !== "BOOKMARK") put(event.object);
        if (version) at = version;
        backOff.reset();
      }
    } catch (error) {
      // A request that the server rejects now would be rejected again: too old, or of a replaced store.
      if (signal.aborted || (error instanceof StatusError && !passing.has(error.reason))) throw error;
      log.warn("watch broke off", { error: error instanceof Error ? error.message : error });
      await clock.sleep(backOff.next(), signal);
      return at;
    }
    // Without a delay, a server that ends watches at once would cause a busy loop.
    if (clock.monotonic() - started < 1000 && at === from) await clock.sleep(backOff.next(), signal);
    return at;
  }

  async function run(): Promise<void> {
    let at: string | undefined;
    // "0": any state in the server's memory is sufficient at first; afterwards nothing older than already seen.
    let listFrom: string | undefined = "0";
    while (!signal.aborted) {
      try {
        at ??= await relist(listFrom);
        listFrom = at;
        at = await follow(at);
      } catch (error) {
        if (signal.aborted) break;
        at = undefined;
        listFrom = undefined;
        const expired = isReason(error, "Expired") || isReason(error, "Gone");
        if (expired) log.info("watch is too old, listing again");
        else log.warn("list failed", { error: error instanceof Error ? error.message : error });
        await clock.sleep(backOff.next(), signal).catch(() => {});
      }
    }
    synced.reject(signal.reason);
  }

  return {
    synced: synced.promise,
    get hasSynced() {
      return hasSynced;
    },
    ended: run(),
    get: (key) => cache.get(key),
    list: () => cache.values(),
    byIndex: (name, value) => cache.byIndex(name, value),
    onChange(handler) {
      for (const object of cache.values()) handler("add", object);
      handlers.push(handler);
    },
    addIndex: (name, fn) => cache.addIndex(name, fn),
  };
}
