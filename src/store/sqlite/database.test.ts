import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Database } from "./database.ts";

test("compaction bounds rows and file, keeps the newest state and resurrects nothing", () => {
  const dir = mkdtempSync(join(tmpdir(), "wherry-store-"));
  const path = join(dir, "state.db");
  const db = new Database(path);
  const payload = new Uint8Array(2000);
  const write = (key: string, type: "put" | "delete"): void => {
    const value = { start: 0, length: payload.length };
    const then = [type === "put" ? { type, key, value, lease: 0 } : { type, key }];
    db.write({ type: "txn", when: [], then }, payload, false);
  };
  try {
    for (let round = 0; round < 3; round++) {
      db.begin();
      for (let i = 0; i < 500; i++) write("/busy", "put");
      write("/gone", "put");
      write("/gone", "delete");
      write(`/kept-${round}`, "put");
      db.commit();
      db.compact(db.revision);
      while (db.sweep(100)) {}
      db.vacuum(10_000);
      db.checkpoint();
    }
    const range = db.read({ type: "range", from: "/", to: "0", revision: undefined, limit: 0 });
    assert.ok(range.type === "rows");
    assert.deepEqual(
      range.rows.map((row) => row.key),
      ["/busy", "/kept-0", "/kept-1", "/kept-2"],
    );
    const revision = db.revision;
    db.close();
    assert.ok(statSync(path).size < 200_000, `${statSync(path).size} bytes`);
    const again = new Database(path);
    assert.equal(again.revision, revision);
    again.close();
  } finally {
    rmSync(dir, { recursive: true });
  }
});
