/**
 * The store as the API server sees it: etcd's model, cut to what Kubernetes uses. Keys are strings in UTF-8 order, values
 * opaque bytes. One revision counter serves the whole store: each transaction that changes something takes the next
 * revision, and all its changes carry it. Values are shared: neither side writes to them.
 */
export interface Store {
  /** Revision of the last acknowledged transaction; 1 for an empty store, as in etcd. */
  readonly revision: number;
  /** History at or below this revision may be gone. Reading exactly at it still works. 0 before the first compaction. */
  readonly compactedRevision: number;

  /** Throws CompactedError below the compacted revision and FutureRevisionError beyond the current one. */
  range(request: RangeRequest): Promise<RangeResult>;

  /**
   * All or nothing. Resolves when the change is durable; the events of it were handed to every watcher before.
   * Rejects with StoreFullError (nothing was changed) or StoreFailedError (the store is broken and takes no more writes).
   */
  txn(request: TxnRequest, note?: NotePart): Promise<TxnResult>;

  /**
   * Events with revision > `after`, in order, each transaction's events in one call. Nothing is lost between the
   * history and what comes live. `onError` is called at most once, with CompactedError when `after` is below the
   * compacted revision, with StoreFailedError when the store can no longer deliver events; nothing follows it. A later watch
   * may work again. The sink is not called before this has returned.
   */
  watch(request: WatchRequest, sink: WatchSink): StoreWatch;

  /** Discards what only revisions below `revision` need. Throws CompactedError when that was already done. */
  compact(revision: number): Promise<void>;

  /** Keys put with this lease are deleted when it ends. `ttlSeconds` from now; survives a restart. */
  grantLease(ttlSeconds: number): Promise<number>;
  revokeLease(id: number): Promise<void>;

  /** True for a value that would be stored differently now (encrypted with another key), so an unchanged write is worth doing. */
  isStale?(key: string): boolean;

  /** Bytes on disk (or in memory). */
  size(): Promise<number>;
  /** Waits for pending writes, ends watches, frees everything. Idempotent. */
  close(): Promise<void>;
}

export interface KeyValue {
  key: string;
  value: Uint8Array;
  createRevision: number;
  modRevision: number;
  /** 1 at creation, raised with each put. */
  version: number;
  /** 0: none. */
  lease: number;
}

export interface RangeRequest {
  /** First key. With no `to`, exactly this key. */
  from: string;
  /** First key after the range; `prefixEnd(prefix)` for a prefix. */
  to?: string;
  /** State at this revision; default the current one. */
  revision?: number;
  /** Maximum number of items; 0 or absent: all. */
  limit?: number;
}

export interface RangeResult {
  /** The store's revision when the range was read (not the revision asked for). */
  revision: number;
  items: KeyValue[];
  /** Keys in the range, whatever the limit. */
  count: number;
}

/** For tracing: called when a part of the work begins; the returned function is called when it ends. */
export type NotePart = (
  part: string,
  attributes: Readonly<Record<string, string>>,
) => (error?: unknown) => void;

export interface TxnRequest {
  /** All must hold: the key's current mod revision; 0 means that it does not exist. */
  when: readonly { key: string; modRevision: number }[];
  /** Applied together when they hold. A key is written once at most. Deleting an absent key changes nothing. */
  then: readonly Write[];
}

export type Write =
  | { type: "put"; key: string; value: Uint8Array; lease?: number }
  | { type: "delete"; key: string };

export type TxnResult =
  /** `revision` is the transaction's (the store's when nothing changed). */
  | { succeeded: true; revision: number }
  /** `current` has the state of each key in `when`, in its order. */
  | { succeeded: false; revision: number; current: (KeyValue | undefined)[] };

export interface WatchRequest {
  from: string;
  to?: string;
  /** Events after this revision. */
  after: number;
  /** Events carry the key's previous state. */
  previous?: boolean;
}

export interface WatchSink {
  onEvents(events: readonly StoreEvent[], revision: number): void;
  onError(error: Error): void;
}

export interface StoreWatch {
  close(): void;
}

export type StoreEvent =
  | { type: "put"; kv: KeyValue; previous?: KeyValue }
  | { type: "delete"; key: string; revision: number; previous?: KeyValue };

/** The revision asked for was compacted away. */
export class CompactedError extends Error {
  override readonly name = "CompactedError";
  readonly compactedRevision: number;
  constructor(compactedRevision: number) {
    super("required revision has been compacted");
    this.compactedRevision = compactedRevision;
  }
}

/** The revision asked for has not happened yet. */
export class FutureRevisionError extends Error {
  override readonly name = "FutureRevisionError";
  constructor() {
    super("required revision is a future revision");
  }
}

/** No space left: this write was not done, earlier ones stand, and the store goes on when there is space again. */
export class StoreFullError extends Error {
  override readonly name = "StoreFullError";
}

/**
 * The file is damaged, of a newer version, or in use; or a write failed beyond repair; or the thread of the store died, and
 * pending writes may or may not have been done.
 */
export class StoreFailedError extends Error {
  override readonly name = "StoreFailedError";
}

/** A stored value cannot be read, for example because its encryption key is gone. The message names its key in the store. */
export class UnreadableValueError extends Error {
  override readonly name = "UnreadableValueError";
}

/** The lease has expired or never existed. */
export class LeaseNotFoundError extends Error {
  override readonly name = "LeaseNotFoundError";
  constructor() {
    super("requested lease not found");
  }
}

/** First key after all keys with this prefix. */
export function prefixEnd(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
