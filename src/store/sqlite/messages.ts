/** What the serving thread and the thread that owns the file say to each other. Plain data: it is cloned. */

/** Bytes of values travel together in one buffer that is handed over, not copied. */
export interface Slice {
  start: number;
  length: number;
}

export type WorkerWrite =
  | { type: "put"; key: string; value: Slice; lease: number }
  | { type: "delete"; key: string };

export type Operation =
  | { type: "txn"; when: readonly { key: string; modRevision: number }[]; then: readonly WorkerWrite[] }
  | { type: "grantLease"; ends: number }
  /** Deletes the lease and the keys that have it. */
  | { type: "endLease"; lease: number }
  | { type: "range"; from: string; to: string | undefined; revision: number | undefined; limit: number }
  /** As much of a range as goes into one message. */
  | { type: "page"; from: string; to: string; revision: number | undefined }
  /** As much of it as goes into one message, the oldest first. */
  | { type: "history"; after: number; until: number; previous: boolean }
  | { type: "compact"; revision: number }
  | { type: "size" }
  | { type: "close" };

export interface Request {
  id: number;
  operation: Operation;
}

/** Requests of one turn of the loop; `previous`: some watch wants former values. */
export interface RequestBatch {
  requests: readonly Request[];
  payload: Uint8Array;
  previous: boolean;
}

/** A stored key's state. */
export interface Row {
  key: string;
  value: Uint8Array;
  createRevision: number;
  modRevision: number;
  version: number;
  lease: number;
}

/** What a write did to one key; the value of a put is known where it came from. */
export interface Change {
  type: "put" | "delete";
  key: string;
  createRevision: number;
  version: number;
  lease: number;
  previous?: Row;
}

export interface WorkerCommit {
  revision: number;
  changes: Change[];
}

export type Outcome =
  | { type: "committed"; revision: number; commits: WorkerCommit[]; lease?: number }
  | { type: "refused"; revision: number; current: (Row | undefined)[] }
  /** `next`: where a range goes on that has not been read to its end. */
  | { type: "rows"; revision: number; rows: Row[]; count: number; next?: string }
  | { type: "history"; commits: { revision: number; changes: (Change & { value?: Uint8Array })[] }[] }
  | { type: "done"; value: number }
  | { type: "failed"; error: Failure };

export interface Failure {
  kind: "full" | "broken" | "lease" | "compacted" | "future";
  message: string;
}

export interface Response {
  id: number;
  outcome: Outcome;
}

/**
 * Answers to one turn's requests. Where all were writes of one key that came about, as nearly always, they are numbers alone, which
 * cost a fifth to hand over: `writtenLength` of them each, as `Written` has them.
 */
export type Responses = readonly Response[] | Float64Array;

/** A put of one key, alone in its request, that came about. */
export interface Written {
  id: number;
  revision: number;
  createRevision: number;
  version: number;
}

const writtenLength = 4;

/** The puts as numbers; undefined where anything else is among the answers. */
export function packWritten(
  requests: readonly Request[],
  responses: readonly Response[],
): Float64Array | undefined {
  const packed = new Float64Array(responses.length * writtenLength);
  for (const [i, { id, outcome }] of responses.entries()) {
    const operation = requests[i]?.operation;
    if (operation?.type !== "txn" || operation.then.length !== 1 || outcome.type !== "committed")
      return undefined;
    const change = outcome.commits[0]?.changes[0];
    if (change?.type !== "put" || change.previous) return undefined;
    packed.set([id, outcome.revision, change.createRevision, change.version], i * writtenLength);
  }
  return packed;
}

export function readWritten(packed: Float64Array, take: (written: Written) => void): void {
  for (let at = 0; at < packed.length; at += writtenLength) {
    take({
      id: packed[at] as number,
      revision: packed[at + 1] as number,
      createRevision: packed[at + 2] as number,
      version: packed[at + 3] as number,
    });
  }
}

/** First message of the worker: what the file holds, or why it cannot be used. */
export type Hello =
  | { type: "open"; revision: number; compactedRevision: number; leases: { id: number; ends: number }[] }
  | { type: "unusable"; message: string };

export interface WorkerOptions {
  path: string;
}
