import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { FakeClock } from "../../testing/index.ts";
import { put } from "../contract-suite.ts";
import { StoreFullError } from "../contract.ts";
import { openSqliteStore } from "./open.ts";

const isRoot = process.getuid?.() === 0;

test("no space left: a clear error, nothing half done, and on it goes when there is space", {
  skip: isRoot ? false : "needs root to mount a small file system",
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), "wherry-store-full-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "wherry-store-test", dir]);
  try {
    writeFileSync(join(dir, "ballast"), Buffer.alloc(300_000));
    const open = () => openSqliteStore({ path: join(dir, "state.db"), clock: new FakeClock() });
    let store = await open();
    const acknowledged: string[] = [];
    let failure: unknown;
    for (let i = 0; i < 500 && !failure; i++) {
      await put(store, `/k/${i}`, "x".repeat(5000)).then(
        () => acknowledged.push(`/k/${i}`),
        (error: unknown) => (failure = error),
      );
    }
    assert.ok(failure instanceof StoreFullError, String(failure));
    assert.match(failure.message, /no space left/);
    assert.ok(acknowledged.length > 10);
    const { revision } = store;
    const present = async () =>
      (await store.range({ from: "/k/", to: "/k0" })).items.map((kv) => kv.key).sort();
    assert.deepEqual(await present(), acknowledged.sort());
    rmSync(join(dir, "ballast"));
    const after = await put(store, "/k/after", "1");
    assert.equal(after.revision, revision + 1);
    await store.close();
    store = await open();
    assert.deepEqual(await present(), [...acknowledged, "/k/after"].sort());
    await store.close();
  } finally {
    execFileSync("umount", [dir]);
    rmSync(dir, { recursive: true });
  }
});
