import type { KubeObject } from "../../api/index.ts";
import { type Clock, isReason, type Logger, StatusError } from "../../machinery/index.ts";
import type { ResourceClient } from "../resource.ts";
import { BackOff } from "./back-off.ts";
import { type IndexFunction, keyOf, ObjectCache } from "./cache.ts";

export type ChangeType = "add" | "update" | "delete";

/** For `update`, `old` is what the cache held before; for `delete`, `object` is the last state known. */
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
  /** 0 <= x < 1; scatters waits. */
  random?: (() => number) | undefined;
  /** Longest wait between attempts to reach the server, in milliseconds. Default 3000. */
  maxBackOffMs?: number | undefined;
  /** What is kept of each object, e.g. its metadata only; may change and return what it is given. */
  transform?: ((object: T) => T) | undefined;
}

/** A cache that follows the API server. Its objects are shared: nobody changes them. */
export interface Informer<T extends KubeObject> {
  /** Settles when the first list is in the cache and every handler saw it; rejects when stopped before. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /** Settles when the watch has ended after `signal`. */
  readonly ended: Promise<void>;
  /** By `namespace/name` (cluster-scoped: `name`). */
  get(key: string): T | undefined;
  list(): T[];
  byIndex(name: string, value: string): T[];
  /** The handler sees what is already there as `add`, at once. */
  onChange(handler: ChangeHandler<T>): void;
  addIndex(name: string, fn: IndexFunction<T>): void;
}

/** Short, as a part that follows late serves traffic to where nobody is. */
const maxWaitMs = 3000;
/** Watches are ended by the server after about this long, so that they spread over servers and stale ones die. */
const watchSeconds = 300;
/** Answers that say nothing about the revision asked for. */
const passing = new Set(["ServiceUnavailable", "TooManyRequests", "InternalError", "ServerTimeout"]);

export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  const { resource, namespace, clock, signal, transform } = options;
  const random = options.random ?? (() => 0.5);
  const log = options.log.with({ resource: resource.plural });
  const cache = new ObjectCache<T>();
  const handlers: ChangeHandler<T>[] = [];
  const selectors = { labelSelector: options.labelSelector, fieldSelector: options.fieldSelector };
  const synced = Promise.withResolvers<void>();
  // Who does not wait for it must not be ended by its rejection.
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
      // Deleted and made again between two looks: whoever held on to the first must hear of its end.
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

  /** Replaces the cache's content; answers the revision to watch from. */
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
      // What the server refuses now it refuses again: too old, or of a store that was replaced by a younger one.
      if (signal.aborted || (error instanceof StatusError && !passing.has(error.reason))) throw error;
      log.warn("watch broke off", { error: error instanceof Error ? error.message : error });
      await clock.sleep(backOff.next(), signal);
      return at;
    }
    // A server that ends watches at once must not make us spin.
    if (clock.monotonic() - started < 1000 && at === from) await clock.sleep(backOff.next(), signal);
    return at;
  }

  async function run(): Promise<void> {
    let at: string | undefined;
    // "0": any state the server has in memory will do for the first time; afterwards nothing older than we have seen.
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
