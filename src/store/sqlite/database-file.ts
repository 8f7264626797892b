/** The database file: its schema, opening it, and what errors of SQLite mean. */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Raised with every change of the schema that an older wherry cannot read. */
const schemaVersion = 1;
/** "wher" in ASCII. */
const applicationId = 0x77686572;
/** Files up to this size are checked when they are opened, which takes a few milliseconds. */
const checkedBytes = 4 * 1024 * 1024;

/** The commit that causes a checkpoint waits for it: some milliseconds for 1,000 pages (4 MB), noticeable for more. */
const settings = `
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 1000;
PRAGMA journal_size_limit = 16777216;
PRAGMA cache_size = -8000;
PRAGMA temp_store = MEMORY;
`;

const schema = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE log (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  created INTEGER NOT NULL,
  version INTEGER NOT NULL,
  lease INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  value BLOB
);
CREATE UNIQUE INDEX log_key ON log (key, id);
CREATE INDEX log_lease ON log (lease) WHERE lease != 0;
CREATE INDEX log_deleted ON log (id) WHERE deleted = 1;
CREATE TABLE lease (id INTEGER PRIMARY KEY AUTOINCREMENT, ends INTEGER NOT NULL);
INSERT INTO meta VALUES ('compacted', 0), ('swept', 0);
`;

/** The file cannot be used; the message says why and what to do. */
export class UnusableFileError extends Error {
  override readonly name = "UnusableFileError";
}

/** Opens or creates the file, and locks it while it is open. Throws UnusableFileError. */
export function openFile(path: string): DatabaseSync {
  const existed = existsSync(path) && statSync(path).size > 0;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 300 });
    // Compaction returns space to the file system in small steps. Must be set before the first table is made.
    if (!existed) db.exec("PRAGMA auto_vacuum = INCREMENTAL");
    db.exec(settings);
    const pragma = (name: string): number =>
      Object.values(db?.prepare(`PRAGMA ${name}`).get() ?? {})[0] as number;
    const version = pragma("user_version");
    const id = pragma("application_id");
    if (version === 0 && id === 0 && pragma("schema_version") === 0) {
      db.exec(
        `BEGIN EXCLUSIVE; ${schema} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; COMMIT`,
      );
    } else if (id !== applicationId) {
      throw new UnusableFileError(
        `${path} is an SQLite file, but not one of wherry's; move it away or choose another data directory`,
      );
    } else if (version > schemaVersion) {
      throw new UnusableFileError(
        `${path} was written by a newer wherry (data version ${version}, this one knows ${schemaVersion}); start it with that version, or choose another data directory`,
      );
    } else if (statSync(path).size <= checkedBytes) {
      const found = Object.values(db.prepare("PRAGMA quick_check(1)").get() ?? {})[0];
      if (found !== "ok") throw new UnusableFileError(damaged(path, String(found)));
    }
    // Takes the exclusive lock, which is held until the file is closed.
    db.exec("BEGIN IMMEDIATE; COMMIT");
    return db;
  } catch (cause) {
    db?.close();
    if (cause instanceof UnusableFileError) throw cause;
    throw new UnusableFileError(explain(path, cause), { cause });
  }
}

export function explain(path: string, cause: unknown): string {
  const { errcode, message } = cause as { errcode?: number; message: string };
  switch (primary(errcode)) {
    case sqlite.busy:
    case sqlite.locked:
      return `${path} is in use by another process; is this cluster running already? Stop it first, or choose another data directory`;
    case sqlite.corrupt:
    case sqlite.notADatabase:
      return damaged(path, message);
    case sqlite.full:
      return `there is no space left for ${path}; free some and start again`;
    case sqlite.cannotOpen:
    case sqlite.readOnly:
    case sqlite.permission:
      return `${path} cannot be opened for writing (${message}); check the directory's permissions`;
    default:
      return `${path} cannot be used: ${message}`;
  }
}

const damaged = (path: string, what: string): string =>
  `${path} is damaged (${what}); restore it from a backup, or move it away to start with an empty cluster`;

/** Primary result codes of SQLite (sqlite3.h). */
const sqlite = {
  permission: 3,
  busy: 5,
  locked: 6,
  readOnly: 8,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

const primary = (code: number | undefined): number => (code ?? 0) & 0xff;

export const isFull = (error: unknown): boolean =>
  primary((error as { errcode?: number }).errcode) === sqlite.full;
