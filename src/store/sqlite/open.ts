import type { Worker } from "node:worker_threads";
import { type Clock, Slots } from "../../machinery/index.ts";
import {
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  LeaseNotFoundError,
  type RangeRequest,
  type RangeResult,
  type Store,
  StoreFailedError,
  type StoreEvent,
  StoreFullError,
  type StoreWatch,
  type TxnRequest,
  type TxnResult,
  type WatchRequest,
  type WatchSink,
} from "../contract.ts";
import { type Commit, type History, Hub } from "../hub.ts";
import { LeaseTimers } from "../leases.ts";
import {
  type Change,
  type Failure,
  type Operation,
  type Outcome,
  type Request,
  type RequestBatch,
  type Responses,
  type Row,
  type WorkerCommit,
  type WorkerWrite,
  type Written,
  readWritten,
} from "./messages.ts";
import { type StoreThread, startThread } from "./thread.ts";

export interface SqliteOptions {
  /** The database file; its directory is made when it is absent. */
  path: string;
  clock: Clock;
}

/**
 * Opens the embedded store. Rejects with a StoreFailedError whose message says what is wrong and what to do. A thread that
 * dies later is started again; until then requests fail, pending writes may or may not have been done, and watches end.
 */
export async function openSqliteStore({ path, clock }: SqliteOptions): Promise<Store> {
  return new SqliteStore(path, await startThread(path), clock);
}

/** The first attempt to start the thread again comes at once, later ones after a pause that doubles. */
const firstPauseMs = 1000;
const longestPauseMs = 30_000;

interface Waiting {
  settle(outcome: Outcome): void;
  fail(error: Error): void;
  /** Values of the writes, in order, so that the thread need not send them back. */
  writes: TxnRequest["then"];
}

class SqliteStore implements Store, History {
  revision = 0;
  compactedRevision = 0;
  readonly #path: string;
  #worker: Worker;
  readonly #hub = new Hub(this);
  readonly #timers: LeaseTimers;
  readonly #clock: Clock;
  readonly #waiting = new Slots<Waiting>();
  /** Requests of this turn of the loop, sent together at its end. */
  #outgoing: { request: Request; values: readonly Uint8Array[] }[] = [];
  #closed: Promise<void> | undefined;
  readonly #closing = new AbortController();
  /** Why there is no thread. */
  #dead: Error | undefined;

  constructor(path: string, thread: StoreThread, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    this.#timers = new LeaseTimers(clock, (id) => this.#endLease(id));
    this.#worker = thread.worker;
    this.#adopt(thread);
  }

  #adopt({ worker, hello, ended }: StoreThread): void {
    this.#worker = worker;
    this.#dead = undefined;
    this.revision = hello.revision;
    this.compactedRevision = hello.compactedRevision;
    worker.on("message", (responses: Responses) => this.#receive(responses));
    void ended.then((error) => {
      if (this.#closed) this.#die(new StoreFailedError("the store is closed"));
      else void this.#startAgain(error);
    });
    for (const { id, ends } of hello.leases) this.#timers.add(id, ends);
  }

  async #startAgain(error: StoreFailedError): Promise<void> {
    this.#die(error);
    this.#hub.fail(error);
    for (let pauseMs = firstPauseMs; !this.#closed; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        const thread = await startThread(this.#path);
        if (this.#closed) await thread.worker.terminate();
        else this.#adopt(thread);
        return;
      } catch (cause) {
        this.#dead = new StoreFailedError(`${error.message}; ${(cause as Error).message}`, { cause });
        await this.#clock.sleep(pauseMs, this.#closing.signal).catch(() => {});
      }
    }
  }

  async range(request: RangeRequest): Promise<RangeResult> {
    const { from, to, revision, limit } = request;
    if (to !== undefined && !limit) return this.#wholeRange(from, to, revision);
    const outcome = await this.#ask({ type: "range", from, to, revision, limit: limit ?? 0 });
    if (outcome.type !== "rows") throw unexpected(outcome);
    return { revision: outcome.revision, items: outcome.rows, count: outcome.count };
  }

  /** Reads page by page at one revision, so that the range is in memory once. */
  async #wholeRange(from: string, to: string, revision: number | undefined): Promise<RangeResult> {
    const items: KeyValue[] = [];
    let read: number | undefined;
    for (let start: string | undefined = from; start !== undefined; ) {
      try {
        const at: number | undefined = revision ?? read;
        const outcome = await this.#ask({ type: "page", from: start, to, revision: at });
        if (outcome.type !== "rows") throw unexpected(outcome);
        read ??= outcome.revision;
        for (const row of outcome.rows) items.push(row);
        start = outcome.next;
      } catch (error) {
        // The revision of the first page has been compacted: begin again at the current one if none was asked for.
        if (read === undefined || revision !== undefined || !(error instanceof CompactedError)) throw error;
        return this.#wholeRange(from, to, undefined);
      }
    }
    return { revision: read ?? this.revision, items, count: items.length };
  }

  async txn({ when, then }: TxnRequest): Promise<TxnResult> {
    const values: Uint8Array[] = [];
    let start = 0;
    const writes = then.map((write): WorkerWrite => {
      if (write.type === "delete") return write;
      values.push(write.value);
      const value = { start, length: write.value.length };
      start += write.value.length;
      return { type: "put", key: write.key, value, lease: write.lease ?? 0 };
    });
    const outcome = await this.#ask({ type: "txn", when, then: writes }, values, then);
    if (outcome.type === "refused") {
      return { succeeded: false, revision: outcome.revision, current: outcome.current };
    }
    if (outcome.type !== "committed") throw unexpected(outcome);
    return { succeeded: true, revision: outcome.revision };
  }

  watch(request: WatchRequest, sink: WatchSink): StoreWatch {
    const watch = this.#hub.watch(request, sink);
    // Commits of a thread that died are not reported by the next one.
    const dead = this.#dead;
    if (dead) queueMicrotask(() => this.#hub.fail(dead));
    return watch;
  }

  async since(after: number, until: number): Promise<readonly Commit[]> {
    const outcome = await this.#ask({ type: "history", after, until, previous: this.#hub.wantsPrevious });
    if (outcome.type !== "history") throw unexpected(outcome);
    return outcome.commits.map(({ revision, changes }) => ({
      revision,
      events: changes.map((change) => toEvent(change, revision, change.value)),
    }));
  }

  async compact(revision: number): Promise<void> {
    const outcome = await this.#ask({ type: "compact", revision });
    if (outcome.type !== "done") throw unexpected(outcome);
    this.compactedRevision = outcome.value;
  }

  async grantLease(ttlSeconds: number): Promise<number> {
    const ends = this.#clock.now() + ttlSeconds * 1000;
    const outcome = await this.#ask({ type: "grantLease", ends });
    if (outcome.type !== "committed" || outcome.lease === undefined) throw unexpected(outcome);
    this.#timers.add(outcome.lease, ends);
    return outcome.lease;
  }

  async revokeLease(id: number): Promise<void> {
    if (!this.#timers.has(id)) throw new LeaseNotFoundError();
    this.#timers.remove(id);
    await this.#endLease(id);
  }

  async size(): Promise<number> {
    const outcome = await this.#ask({ type: "size" });
    if (outcome.type !== "done") throw unexpected(outcome);
    return outcome.value;
  }

  close(): Promise<void> {
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  async #shutDown(): Promise<void> {
    this.#closing.abort();
    await this.#timers.close();
    if (!this.#dead) {
      const done = this.#ask({ type: "close" });
      this.#dead = new StoreFailedError("the store is closed");
      await done.catch(() => undefined);
    }
    this.#hub.close();
    await this.#worker.terminate();
  }

  async #endLease(id: number): Promise<void> {
    await this.#ask({ type: "endLease", lease: id });
  }

  #ask(
    operation: Operation,
    values: readonly Uint8Array[] = [],
    writes: TxnRequest["then"] = [],
  ): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#dead) {
        reject(this.#dead);
        return;
      }
      const id = this.#waiting.add({ settle: resolve, fail: reject, writes });
      this.#outgoing.push({ request: { id, operation }, values });
      // All requests of one turn of the event loop are sent together and become one commit.
      if (this.#outgoing.length === 1) setImmediate(() => this.#send());
    });
  }

  #send(): void {
    const outgoing = this.#outgoing;
    if (outgoing.length === 0) return;
    this.#outgoing = [];
    let size = 0;
    for (const { values } of outgoing) for (const value of values) size += value.length;
    const payload = new Uint8Array(size);
    let at = 0;
    for (const { request, values } of outgoing) {
      // Until here the slices were counted from the request's own first value.
      if (request.operation.type === "txn") {
        for (const write of request.operation.then) if (write.type === "put") write.value.start += at;
      }
      for (const value of values) {
        payload.set(value, at);
        at += value.length;
      }
    }
    const requests = outgoing.map(({ request }) => request);
    const batch: RequestBatch = { requests, payload, previous: this.#hub.wantsPrevious };
    this.#worker.postMessage(batch, [payload.buffer]);
  }

  #receive(responses: Responses): void {
    if (responses instanceof Float64Array) {
      readWritten(responses, (each) => this.#written(each));
      return;
    }
    for (const { id, outcome } of responses) {
      const waiting = this.#waiting.take(id);
      if (outcome.type === "committed") this.#publish(outcome.commits, waiting?.writes ?? []);
      if (outcome.type === "failed") waiting?.fail(toError(outcome.error));
      else waiting?.settle(outcome);
    }
  }

  #written({ id, revision, createRevision, version }: Written): void {
    const waiting = this.#waiting.take(id);
    const write = waiting?.writes[0];
    if (write?.type !== "put") throw new Error("the store's thread answers what nobody asked");
    const { key, value, lease = 0 } = write;
    const kv = { key, value, createRevision, modRevision: revision, version, lease };
    this.revision = revision;
    this.#hub.publish({ revision, events: [{ type: "put", kv }] });
    waiting?.settle({ type: "committed", revision, commits: [] });
  }

  #publish(commits: readonly WorkerCommit[], writes: TxnRequest["then"]): void {
    for (const { revision, changes } of commits) {
      const events = changes.map((change) => {
        const write = writes.find((each) => each.key === change.key);
        return toEvent(change, revision, write?.type === "put" ? write.value : undefined);
      });
      this.revision = revision;
      this.#hub.publish({ revision, events });
    }
  }

  #die(error: Error): void {
    this.#dead ??= error;
    this.#outgoing = [];
    for (const { fail } of this.#waiting.drain()) fail(error);
  }
}

function toEvent(change: Change, revision: number, value: Uint8Array | undefined): StoreEvent {
  const previous: KeyValue | undefined = change.previous;
  const rest = previous ? { previous } : {};
  if (change.type === "delete") return { type: "delete", key: change.key, revision, ...rest };
  const { key, createRevision, version, lease } = change;
  const row: Row = {
    key,
    value: value ?? new Uint8Array(0),
    createRevision,
    modRevision: revision,
    version,
    lease,
  };
  return { type: "put", kv: row, ...rest };
}

function toError({ kind, message }: Failure): Error {
  switch (kind) {
    case "full":
      return new StoreFullError(message);
    case "lease":
      return new LeaseNotFoundError();
    case "compacted":
      return new CompactedError(Number(message));
    case "future":
      return new FutureRevisionError();
    case "broken":
      return new StoreFailedError(message);
  }
}

const unexpected = (outcome: Outcome): Error =>
  new StoreFailedError(`unexpected answer of the store: ${outcome.type}`);
