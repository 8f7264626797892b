/**
 * The thread that owns the file. It takes all requests that have queued up, runs them in one SQLite transaction and
 * answers when the transaction is durable (group commit): the more there is to do, the fewer syncs each write costs.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Database, Refusal } from "./database.ts";
import { isFull, UnusableFileError } from "./database-file.ts";
import {
  type Failure,
  type Hello,
  type Operation,
  type Outcome,
  packWritten,
  type Request,
  type RequestBatch,
  type Response,
  type Responses,
  type WorkerOptions,
} from "./messages.ts";

/** After this idle time the write-ahead log is moved into the file. */
const idleMs = 500;
/** Requests of one transaction; more wait for the next. */
const maxGroup = 2000;
const sweepRows = 500;
const vacuumPages = 256;

const writes = new Set<Operation["type"]>(["txn", "grantLease", "endLease"]);

class Service {
  readonly #port: MessagePort;
  readonly #db: Database;
  /** Why writing failed for good. */
  #broken: Failure | undefined;
  #idle: NodeJS.Timeout | undefined;
  #sweeping = false;

  constructor(port: MessagePort, db: Database) {
    this.#port = port;
    this.#db = db;
  }

  start(): void {
    this.#port.on("message", (first: RequestBatch) => {
      clearTimeout(this.#idle);
      const batches = [first];
      let size = first.requests.length;
      // Requests that have arrived meanwhile join the same commit.
      while (size < maxGroup) {
        const next = receiveMessageOnPort(this.#port) as { message: RequestBatch } | undefined;
        if (!next) break;
        batches.push(next.message);
        size += next.message.requests.length;
      }
      this.#serve(batches);
      this.#idle = setTimeout(() => this.#checkpoint(), idleMs).unref();
    });
    if (this.#db.compacted > 0) this.#sweepSoon();
  }

  #serve(batches: readonly RequestBatch[]): void {
    const responses: Response[] = [];
    const group: { request: Request; batch: RequestBatch }[] = [];
    const flush = (): void => {
      if (group.length > 0) responses.push(...this.#commitGroup(group.splice(0)));
    };
    let closing: number | undefined;
    for (const batch of batches) {
      for (const request of batch.requests) {
        const { id, operation } = request;
        if (writes.has(operation.type)) group.push({ request, batch });
        else {
          // A read sees every write that was requested before it.
          flush();
          if (operation.type === "close") closing = id;
          else responses.push({ id, outcome: this.#guarded(() => this.#other(operation)) });
        }
      }
    }
    // Usually all are writes, which have a short form of answer.
    const only = responses.length === 0 && closing === undefined ? group.map(({ request }) => request) : [];
    flush();
    const written = only.length > 0 ? packWritten(only, responses) : undefined;
    if (closing !== undefined) {
      clearTimeout(this.#idle);
      responses.push({ id: closing, outcome: this.#guarded(() => this.#close()) });
    }
    this.#port.postMessage((written ?? responses) satisfies Responses);
    if (closing !== undefined) this.#port.close();
  }

  #commitGroup(group: readonly { request: Request; batch: RequestBatch }[]): Response[] {
    const before = this.#db.revision;
    const failAll = (error: Failure): Response[] =>
      group.map(({ request }) => ({ id: request.id, outcome: { type: "failed", error } }));
    if (this.#broken) return failAll(this.#broken);
    try {
      this.#db.begin();
      const responses = group.map(({ request, batch }): Response => {
        const { id, operation } = request;
        const at = this.#db.revision;
        try {
          return { id, outcome: this.#db.write(operation, batch.payload, batch.previous) };
        } catch (error) {
          // A refused request has changed nothing: all checks come before the first row.
          if (!(error instanceof Refusal) || this.#db.revision !== at) throw error;
          return { id, outcome: { type: "failed", error: error.failure } };
        }
      });
      this.#db.commit();
      return responses;
    } catch (error) {
      return failAll(this.#recover(error, before));
    }
  }

  /** After a failed commit: nothing of the group was done. */
  #recover(error: unknown, before: number): Failure {
    try {
      this.#db.rollback(before);
    } catch (cause) {
      this.#broken = { kind: "broken", message: `the store cannot be written any more: ${text(cause)}` };
      return this.#broken;
    }
    if (isFull(error)) {
      return { kind: "full", message: "there is no space left on the disk of the data directory" };
    }
    this.#broken = { kind: "broken", message: `the store cannot be written any more: ${text(error)}` };
    return this.#broken;
  }

  #other(operation: Operation): Outcome {
    if (operation.type === "compact") {
      this.#db.compact(operation.revision);
      this.#sweepSoon();
      return { type: "done", value: this.#db.compacted };
    }
    return this.#db.read(operation);
  }

  #guarded(run: () => Outcome): Outcome {
    try {
      return run();
    } catch (error) {
      if (error instanceof Refusal) return { type: "failed", error: error.failure };
      if (isFull(error))
        return {
          type: "failed",
          error: { kind: "full", message: "there is no space left on the disk of the data directory" },
        };
      return {
        type: "failed",
        error: { kind: "broken", message: `the store cannot be read: ${text(error)}` },
      };
    }
  }

  /** Sweeps in small steps between commits, so that no write waits for it. */
  #sweepSoon(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    const step = (): void => {
      try {
        const more = this.#db.sweep(sweepRows);
        this.#db.vacuum(vacuumPages);
        if (more) setTimeout(step, 1).unref();
        else this.#sweeping = false;
      } catch {
        // No space, or closed meanwhile: the next compaction goes on where this one stopped.
        this.#sweeping = false;
      }
    };
    setTimeout(step, 1).unref();
  }

  #checkpoint(): void {
    try {
      this.#db.checkpoint();
    } catch {
      // Tried again after the next writes; the log keeps everything until then.
    }
  }

  #close(): Outcome {
    this.#db.close();
    return { type: "done", value: 0 };
  }
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const port = parentPort as MessagePort;
try {
  const db = new Database((workerData as WorkerOptions).path);
  port.postMessage({
    type: "open",
    revision: db.revision,
    compactedRevision: db.compacted,
    leases: db.leases(),
  } satisfies Hello);
  new Service(port, db).start();
} catch (error) {
  const message =
    error instanceof UnusableFileError ? error.message : `the store cannot be opened: ${text(error)}`;
  port.postMessage({ type: "unusable", message } satisfies Hello);
  port.close();
}
