import type { KubeObject } from "../api/index.ts";
import {
  carryRaw,
  type Clock,
  deepEqual,
  emptiedNotes,
  forgetEmptied,
  formatTime,
  holdsTexts,
  type Logger,
  readRawTexts,
  StatusError,
} from "../machinery/index.ts";
import { type NotePart, StoreFullError, type Store } from "../store/index.ts";
import type { AdmissionChain, AdmissionRequest } from "./admission/chain.ts";
import type { Authorizer, UserInfo } from "./auth-contract.ts";
import { Entry } from "./cache/entry.ts";
import type { ObjectCaches } from "./cache/objects.ts";
import { encodeStored, isStoredAs, resourceVersionLength, withResourceVersion } from "./codec/stored.ts";
import type { Target } from "./codec/negotiate.ts";
import type { ComponentState, HandlerRequest, RequestInfo } from "./contract.ts";
import type { EventLeases } from "./registry/event-leases.ts";
import type { Lines } from "./registry/lines.ts";
import type { Meters } from "./metrics/meters.ts";
import type { StoreOperation } from "./metrics/storage.ts";
import type { Registry } from "./registry/registry.ts";
import type { ServedResource } from "./registry/resource.ts";
import type { Span } from "./tracing/span.ts";
import type { WatchEnds } from "./watch-ends.ts";
import { sizeProblem, surelyTaken } from "./size-limit.ts";
import { notes, writing } from "./tracing/store-spans.ts";
import type { Tracer } from "./tracing/tracer.ts";

/** What every verb works with. */
export interface Core {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly caches: ObjectCaches;
  readonly registry: Registry;
  readonly admission: AdmissionChain;
  readonly authorizer: Authorizer;
  readonly leases: EventLeases;
  readonly lines: Lines;
  readonly meters: Meters;
  /** Undefined: tracing is off. */
  readonly tracer: Tracer | undefined;
  /** For `componentstatuses`: the store and the known parts of the control plane. */
  readonly components: () => Promise<readonly ComponentState[]>;
  /** See `ApiServerOptions`. */
  readonly minRequestSeconds?: number | undefined;
  /** How long events are kept; 0: for ever. Default an hour. */
  readonly eventTtlSeconds?: number | undefined;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
  readonly watchEnds: WatchEnds;
}

/** One request on its way to one resource. */
export interface Call {
  readonly core: Core;
  readonly request: HandlerRequest;
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly resource: ServedResource;
  readonly target: Target;
  readonly dryRun: boolean;
  /** Skips validation: for the server's own endpoint, which may be on loopback. */
  readonly unchecked?: boolean;
  /**
   * What validating admission sees instead of the object and the old one: their views through a subresource (Scale). Mutating
   * admission has seen the view before.
   */
  readonly seenAs?: (
    object: KubeObject,
    old: KubeObject,
  ) => Pick<AdmissionRequest, "kind" | "object" | "oldObject" | "subresource">;
  /** Texts for Warning headers. */
  readonly warnings: string[];
  /** `emptiedNotes` when the request came; undefined where that is not known. */
  readonly notesBefore?: number;
}

/**
 * Makes an object that is about to be stored forget what was given as empty: what is cached counts as read from the store, and
 * copies are made of it. Most requests have nothing of the kind, and then the object is not looked through.
 */
export function settleEmptied({ notesBefore }: Call, object: KubeObject): void {
  if (notesBefore !== emptiedNotes()) forgetEmptied(object);
}

/** The current metav1.Time: whole seconds. */
export const nowTime = (clock: Clock): string => secondsTime(clock.now());

/** The last result: most callers ask for the same second. */
let last = { second: Number.NaN, text: "" };

export function secondsTime(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== last.second) last = { second, text: formatTime(ms) };
  return last.text;
}

/** `moved`: another write came first. */
export type WriteResult = { done: true; entry: Entry } | { done: false; moved: true };

/**
 * Writes one object with compare-and-swap on `expected` (0: must not exist). The object, in stored spelling, belongs to
 * the cache from here on: the caller must not change it. An unchanged object is not written.
 * `request`: the one that the write is for, if any.
 */
export function writeObject(
  core: Core,
  resource: ServedResource,
  key: string,
  object: KubeObject,
  existing: Entry | undefined,
  request?: HandlerRequest,
): Promise<WriteResult> {
  if (!request?.span && !request?.audit) return written(core, resource, key, object, existing, request);
  const began = core.clock.monotonic();
  const result = writing(request, { resource, key, isNew: existing === undefined }, (part) =>
    written(core, resource, key, object, existing, request, part),
  );
  return timed(core, request, began, result);
}

/** Adds the time of a store call to the request's audit event. */
function timed<T>(
  { clock }: Core,
  request: HandlerRequest | undefined,
  began: number,
  work: Promise<T>,
): Promise<T> {
  const audit = request?.audit;
  return audit ? work.finally(() => audit.spent("etcd", clock.monotonic() - began)) : work;
}

async function written(
  core: Core,
  resource: ServedResource,
  key: string,
  object: KubeObject,
  existing: Entry | undefined,
  request: HandlerRequest | undefined,
  part?: Span,
): Promise<WriteResult> {
  // What was read of caches that do not follow the store proves nothing.
  core.caches.readiness.check();
  const { rawFields } = resource.def;
  if (rawFields && existing) carryRaw(rawFields, textsOf(existing, rawFields), object);
  const { storedKind, storedApiVersion, def } = resource;
  let value = encodeStored(object, storedKind, storedApiVersion, rawFields, def.sharesParts);
  if (existing && !core.store.isStale?.(resource.storeKey(key)) && isSame(value, object, existing))
    return { done: true, entry: existing };
  if (!surelyTaken(value)) value = await fitting(value, resource, key, object, existing, request);
  const ttlSeconds = resource.def.ttlSeconds && (core.eventTtlSeconds ?? resource.def.ttlSeconds);
  const lease = ttlSeconds ? await core.leases.lease(ttlSeconds) : 0;
  // How the numbers of a custom resource were written is not stored, so it is read again.
  if (!def.type || !holdsTexts(object)) core.caches.expect(value, object);
  const storeKey = resource.storeKey(key);
  const result = await storeTxn(
    core,
    existing ? "update" : "create",
    resource,
    {
      when: [{ key: storeKey, modRevision: existing?.revision ?? 0 }],
      then: [{ type: "put", key: storeKey, value, ...(lease ? { lease } : {}) }],
    },
    part && notes(part),
  );
  await core.caches.reaches(result.revision, 10_000);
  if (!result.succeeded) {
    // A retry needs the caches: throws when they do not follow the store.
    core.caches.readiness.check();
    return { done: false, moved: true };
  }
  const cached = resource.cache.get(key);
  // It may have changed again, or the cache may be behind: the answer is what was written.
  const entry =
    cached?.revision === result.revision
      ? cached
      : new Entry(key, result.revision, withResourceVersion(value, result.revision), undefined);
  if (resource.afterChange) await resource.afterChange(entry.object, existing?.object);
  return { done: true, entry };
}

/** The bytes to store for an object near the size limit: without managedFields if it fits only so, except in server-side apply. */
async function fitting(
  value: Buffer,
  resource: ServedResource,
  key: string,
  object: KubeObject,
  existing: Entry | undefined,
  request: HandlerRequest | undefined,
): Promise<Buffer> {
  const { storedKind, storedApiVersion, def } = resource;
  const revision = existing?.revision ?? 0;
  // kube-apiserver's key: built-in kinds have no group there.
  const etcdKey = def.type ? resource.storeKey(key) : `/registry/${def.plural}/${key}`;
  const problem = await sizeProblem(value, etcdKey, revision);
  if (!problem) return value;
  if (!object.metadata?.managedFields || isApply(request)) throw problem;
  delete object.metadata.managedFields;
  const shorter = encodeStored(object, storedKind, storedApiVersion, def.rawFields);
  const still = await sizeProblem(shorter, etcdKey, revision);
  if (still) throw still;
  return shorter;
}

const isApply = (request: HandlerRequest | undefined): boolean =>
  request?.headers?.["content-type"]?.startsWith("application/apply-patch") ?? false;

/** The object of an entry, with the texts of its raw fields. */
export function textsOf({ object, json }: Entry, rawFields: readonly string[]): KubeObject {
  readRawTexts(rawFields, object, json.toString());
  return object;
}

/** Equal, possibly with members in another order. Unequal lengths rule that out cheaply. */
function isSame(value: Buffer, object: KubeObject, existing: Entry): boolean {
  if (value.length + resourceVersionLength(existing.revision) !== existing.json.length) return false;
  if (isStoredAs(value, existing.revision, existing.json)) return true;
  const unversioned = (each: KubeObject): KubeObject => ({
    ...each,
    metadata: { ...each.metadata, resourceVersion: "" },
  });
  return deepEqual(unversioned(object), unversioned(existing.object));
}

/** True when it was deleted at this revision, false when another write came first. */
export async function removeObject(
  core: Core,
  resource: ServedResource,
  entry: Entry,
  request?: HandlerRequest,
): Promise<boolean> {
  core.caches.readiness.check();
  const key = resource.storeKey(entry.key);
  const began = core.clock.monotonic();
  const removed = storeTxn(core, "delete", resource, {
    when: [{ key, modRevision: entry.revision }],
    then: [{ type: "delete", key }],
  });
  const result = await timed(core, request, began, removed);
  await core.caches.reaches(result.revision, 10_000);
  if (!result.succeeded) core.caches.readiness.check();
  else if (resource.afterChange) await resource.afterChange(undefined, entry.object);
  return result.succeeded;
}

async function storeTxn(
  { store, clock, meters }: Core,
  operation: StoreOperation,
  { def }: ServedResource,
  request: Parameters<Store["txn"]>[0],
  note?: NotePart,
): ReturnType<Store["txn"]> {
  const began = clock.monotonic();
  try {
    const result = await (note ? store.txn(request, note) : store.txn(request));
    meters.storage.wrote(operation, def, clock.monotonic() - began);
    return result;
  } catch (cause) {
    meters.storage.failed(operation, def);
    if (cause instanceof StoreFullError) {
      throw new StatusError("InternalError", `no space left to store the object: ${cause.message}`, {
        cause,
        code: 507,
      });
    }
    throw cause;
  }
}
