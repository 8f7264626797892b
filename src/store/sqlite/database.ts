/** What each operation of the store does to the database. Knows nothing of threads. */
import { existsSync, statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { explain, openFile, UnusableFileError } from "./database-file.ts";
import type { Change, Failure, Operation, Outcome, Row, WorkerCommit } from "./messages.ts";

/** Rows of one transaction; the row id is revision * this + position. */
const perRevision = 4096;
interface LogRow {
  id: number;
  key: string;
  created: number;
  version: number;
  lease: number;
  deleted: number;
  value: Uint8Array | null;
}

/** The operation is not done; the failure says why. */
export class Refusal extends Error {
  readonly failure: Failure;
  constructor(kind: Failure["kind"], message: string) {
    super(message);
    this.failure = { kind, message };
  }
}

/** Bytes of values in one message to the other thread; the last value may exceed it. */
const pageBytes = 4 * 1024 * 1024;
const pageKeys = 2000;

const columns = "id, key, created, version, lease, deleted, value";
const firstId = (revision: number): number => revision * perRevision;
const revisionOf = (id: number): number => Math.floor(id / perRevision);

function toRow(row: LogRow): Row {
  return {
    key: row.key,
    value: row.value ?? new Uint8Array(0),
    createRevision: row.created,
    modRevision: revisionOf(row.id),
    version: row.version,
    lease: row.lease,
  };
}

export class Database {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  revision: number;
  compacted: number;
  #swept: number;

  constructor(path: string) {
    this.#path = path;
    this.#db = openFile(path);
    try {
      const last = (this.#get("SELECT max(id) AS id FROM log") as { id: number | null }).id;
      this.compacted = this.#meta("compacted");
      this.#swept = this.#meta("swept");
      this.revision = Math.max(1, last === null ? 1 : revisionOf(last), this.compacted);
    } catch (cause) {
      this.#db.close();
      throw new UnusableFileError(explain(path, cause), { cause });
    }
  }

  leases(): { id: number; ends: number }[] {
    return this.#all("SELECT id, ends FROM lease") as unknown as { id: number; ends: number }[];
  }

  begin(): void {
    this.#db.exec("BEGIN IMMEDIATE");
  }

  /** Durable when it returns. */
  commit(): void {
    this.#db.exec("COMMIT");
  }

  rollback(revision: number): void {
    this.revision = revision;
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
  }

  /** Runs inside a transaction. Throws Refusal, and whatever SQLite throws. */
  write(operation: Operation, payload: Uint8Array, previous: boolean): Outcome {
    switch (operation.type) {
      case "txn":
        return this.#txn(operation, payload, previous);
      case "grantLease": {
        const { lastInsertRowid } = this.#run("INSERT INTO lease (ends) VALUES (?)", operation.ends);
        return { type: "committed", revision: this.revision, commits: [], lease: Number(lastInsertRowid) };
      }
      case "endLease": {
        const commits = this.#endLease(operation.lease, previous);
        return { type: "committed", revision: this.revision, commits };
      }
      default:
        throw new Error(`${operation.type} is not a write`);
    }
  }

  read(operation: Operation): Outcome {
    switch (operation.type) {
      case "range":
        return this.#range(operation.from, operation.to, operation.revision, operation.limit);
      case "page":
        return this.#page(operation.from, operation.to, operation.revision);
      case "history":
        return this.#history(operation.after, operation.until, operation.previous);
      case "size": {
        const wal = `${this.#path}-wal`;
        const bytes = statSync(this.#path).size + (existsSync(wal) ? statSync(wal).size : 0);
        return { type: "done", value: bytes };
      }
      default:
        throw new Error(`${operation.type} is not a read`);
    }
  }

  /** Marks history as compacted; `sweep` deletes it. */
  compact(revision: number): void {
    if (revision <= this.compacted) throw new Refusal("compacted", String(this.compacted));
    if (revision > this.revision) throw new Refusal("future", "");
    this.#run("UPDATE meta SET value = ? WHERE name = 'compacted'", revision);
    this.compacted = revision;
  }

  /** Deletes some of the compacted history. False when nothing is left. */
  sweep(rows: number): boolean {
    const upTo = firstId(this.compacted + 1);
    if (this.#swept < this.compacted) {
      const { changes } = this.#run(
        "DELETE FROM log WHERE id IN (SELECT DISTINCT o.id FROM log n JOIN log o ON o.key = n.key AND o.id < n.id WHERE n.id >= ? AND n.id < ? LIMIT ?)",
        firstId(this.#swept),
        upTo,
        rows,
      );
      if (Number(changes) === rows) return true;
      // Tombstones go last, or what they deleted would be back; the newest row stays, since it holds the revision.
      this.#run("DELETE FROM log WHERE deleted = 1 AND id < ? AND id < (SELECT max(id) FROM log)", upTo);
      this.#run("UPDATE meta SET value = ? WHERE name = 'swept'", this.compacted);
      this.#swept = this.compacted;
    }
    return false;
  }

  /** Returns freed pages to the file system. */
  vacuum(pages: number): void {
    this.#db.exec(`PRAGMA incremental_vacuum(${pages})`);
  }

  /** Moves the write-ahead log into the file without blocking. */
  checkpoint(): void {
    this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #txn({ when, then }: Extract<Operation, { type: "txn" }>, payload: Uint8Array, previous: boolean): Outcome {
    let holds = true;
    for (const { key, modRevision } of when) {
      const row = this.#head(key);
      const actual = row && row.deleted === 0 ? revisionOf(row.id) : 0;
      if (actual !== modRevision) holds = false;
    }
    if (!holds) {
      const current = when.map(({ key }) => this.#current(key)).map((row) => row && toRow(row));
      return { type: "refused", revision: this.revision, current };
    }
    if (then.length > perRevision)
      throw new Refusal("broken", `more than ${perRevision} writes in one transaction`);
    for (const write of then) {
      const leased = write.type === "put" && write.lease !== 0;
      if (leased && !this.#get("SELECT 1 FROM lease WHERE id = ?", write.lease))
        throw new Refusal("lease", "");
    }
    const revision = this.revision + 1;
    const changes: Change[] = [];
    for (const write of then) {
      const head = this.#head(write.key);
      const live = head && head.deleted === 0 ? head : undefined;
      const before = previous && live ? this.#current(write.key) : undefined;
      const change: Change = {
        type: write.type,
        key: write.key,
        createRevision: live?.created ?? revision,
        version: (live?.version ?? 0) + 1,
        lease: write.type === "put" ? write.lease : 0,
        ...(before ? { previous: toRow(before) } : {}),
      };
      if (write.type === "delete") {
        if (!live) continue;
        this.#append(revision, changes.length, change, null);
      } else {
        const { start, length } = write.value;
        this.#append(revision, changes.length, change, payload.subarray(start, start + length));
      }
      changes.push(change);
    }
    if (changes.length === 0) return { type: "committed", revision: this.revision, commits: [] };
    this.revision = revision;
    return { type: "committed", revision, commits: [{ revision, changes }] };
  }

  #endLease(lease: number, previous: boolean): WorkerCommit[] {
    this.#run("DELETE FROM lease WHERE id = ?", lease);
    const keys = (this.#all("SELECT DISTINCT key FROM log WHERE lease = ?", lease) as { key: string }[]).map(
      ({ key }) => key,
    );
    const mine = keys.filter((key) => {
      const head = this.#head(key);
      return head?.deleted === 0 && head.lease === lease;
    });
    const commits: WorkerCommit[] = [];
    for (let at = 0; at < mine.length; at += 1000) {
      const then = mine.slice(at, at + 1000).map((key) => ({ type: "delete", key }) as const);
      const outcome = this.#txn({ type: "txn", when: [], then }, new Uint8Array(0), previous);
      if (outcome.type === "committed") commits.push(...outcome.commits);
    }
    return commits;
  }

  #append(revision: number, position: number, change: Change, value: Uint8Array | null): void {
    this.#run(
      "INSERT INTO log (id, key, created, version, lease, deleted, value) VALUES (?, ?, ?, ?, ?, ?, ?)",
      firstId(revision) + position,
      change.key,
      change.createRevision,
      change.version,
      change.lease,
      change.type === "delete" ? 1 : 0,
      value,
    );
  }

  /** Checks that a revision can be read; default the current one. */
  #readable(revision = this.revision): number {
    if (revision > this.revision) throw new Refusal("future", "");
    if (revision < this.compacted) throw new Refusal("compacted", String(this.compacted));
    return revision;
  }

  #range(from: string, to: string | undefined, revision: number | undefined, limit: number): Outcome {
    const below = firstId(this.#readable(revision) + 1);
    if (to === undefined) {
      const row = this.#get(
        `SELECT ${columns} FROM log WHERE key = ? AND id < ? ORDER BY id DESC LIMIT 1`,
        from,
        below,
      ) as LogRow | undefined;
      const rows = row && row.deleted === 0 ? [toRow(row)] : [];
      return { type: "rows", revision: this.revision, rows, count: rows.length };
    }
    const newest = "SELECT max(id) AS id FROM log WHERE key >= ? AND key < ? AND id < ? GROUP BY key";
    const rows = this.#all(
      `SELECT ${columns} FROM log WHERE id IN (${newest}) AND deleted = 0 ORDER BY key LIMIT ?`,
      from,
      to,
      below,
      limit > 0 ? limit : -1,
    ) as unknown as LogRow[];
    let count = rows.length;
    if (limit > 0 && count === limit) {
      count = (
        this.#get(
          `SELECT count(*) AS n FROM log WHERE id IN (${newest}) AND deleted = 0`,
          from,
          to,
          below,
        ) as { n: number }
      ).n;
    }
    return { type: "rows", revision: this.revision, rows: rows.map(toRow), count };
  }

  /** A page of a range in key order, as long as `pageBytes`; `next` is where the rest begins. */
  #page(from: string, to: string, revision: number | undefined): Outcome {
    const at = this.#readable(revision);
    const heads = this.#all(
      "SELECT key, max(id) AS id FROM log WHERE key >= ? AND key < ? AND id < ? GROUP BY key ORDER BY key LIMIT ?",
      from,
      to,
      firstId(at + 1),
      pageKeys,
    ) as { key: string; id: number }[];
    const rows: Row[] = [];
    let bytes = 0;
    let last: string | undefined;
    for (const { key, id } of heads) {
      const row = this.#get(`SELECT ${columns} FROM log WHERE id = ?`, id) as LogRow | undefined;
      if (row && row.deleted === 0) rows.push(toRow(row));
      bytes += row?.value?.length ?? 0;
      last = key;
      if (bytes > pageBytes) break;
    }
    const whole = heads.length < pageKeys && last === heads.at(-1)?.key;
    const next = whole || last === undefined ? {} : { next: `${last}\0` };
    return { type: "rows", revision: this.revision, rows, count: rows.length, ...next };
  }

  /** The oldest commits of the range, as many as `pageBytes` holds and at least one: the caller asks again for more. */
  #history(after: number, until: number, previous: boolean): Outcome {
    if (after < this.compacted) throw new Refusal("compacted", String(this.compacted));
    const rows = this.#prepare(`SELECT ${columns} FROM log WHERE id >= ? AND id < ? ORDER BY id`).iterate(
      firstId(after + 1),
      firstId(until + 1),
    ) as unknown as Iterable<LogRow>;
    const commits: { revision: number; changes: (Change & { value?: Uint8Array })[] }[] = [];
    let bytes = 0;
    for (const row of rows) {
      const revision = revisionOf(row.id);
      let commit = commits.at(-1);
      if (commit?.revision !== revision) {
        if (bytes > pageBytes) break;
        commits.push((commit = { revision, changes: [] }));
      }
      bytes += row.value?.length ?? 0;
      const before = previous
        ? (this.#get(
            `SELECT ${columns} FROM log WHERE key = ? AND id < ? ORDER BY id DESC LIMIT 1`,
            row.key,
            row.id,
          ) as LogRow | undefined)
        : undefined;
      commit.changes.push({
        type: row.deleted === 1 ? "delete" : "put",
        key: row.key,
        createRevision: row.created,
        version: row.version,
        lease: row.lease,
        ...(row.deleted === 1 ? {} : { value: row.value ?? new Uint8Array(0) }),
        ...(before && before.deleted === 0 ? { previous: toRow(before) } : {}),
      });
    }
    return { type: "history", commits };
  }

  /** The newest row of a key without its value. */
  #head(key: string): Omit<LogRow, "value" | "key"> | undefined {
    return this.#get(
      "SELECT id, created, version, lease, deleted FROM log WHERE key = ? ORDER BY id DESC LIMIT 1",
      key,
    ) as Omit<LogRow, "value" | "key"> | undefined;
  }

  #current(key: string): LogRow | undefined {
    const row = this.#get(`SELECT ${columns} FROM log WHERE key = ? ORDER BY id DESC LIMIT 1`, key) as
      | LogRow
      | undefined;
    return row?.deleted === 0 ? row : undefined;
  }

  #meta(name: string): number {
    return (this.#get("SELECT value FROM meta WHERE name = ?", name) as { value: number }).value;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #get(sql: string, ...values: (string | number)[]): unknown {
    return this.#prepare(sql).get(...values);
  }

  #all(sql: string, ...values: (string | number)[]): unknown[] {
    return this.#prepare(sql).all(...values);
  }

  #run(
    sql: string,
    ...values: (string | number | Uint8Array | null)[]
  ): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return this.#prepare(sql).run(...values);
  }
}
