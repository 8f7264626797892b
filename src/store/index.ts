export * from "./contract.ts";
export { openMemoryStore } from "./memory/open.ts";
export { openSqliteStore, type SqliteOptions } from "./sqlite/open.ts";
