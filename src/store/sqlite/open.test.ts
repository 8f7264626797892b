import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { FakeClock } from "../../testing/index.ts";
import { put, storeContract } from "../contract-suite.ts";
import { type RangeResult, type Store, StoreFailedError } from "../contract.ts";
import { openSqliteStore } from "./open.ts";

storeContract("sqlite", async () => {
  const clock = new FakeClock();
  const dir = mkdtempSync(join(tmpdir(), "wherry-store-"));
  const open = () => openSqliteStore({ path: join(dir, "state.db"), clock });
  let store = await open();
  return {
    store,
    advance: (ms) => clock.advance(ms),
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
    async dispose() {
      await store.close();
      rmSync(dir, { recursive: true });
    },
  };
});

async function withDir(run: (path: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "wherry-store-"));
  try {
    await run(join(dir, "state.db"));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const refused = (path: string, words: RegExp) =>
  assert.rejects(openSqliteStore({ path, clock: new FakeClock() }), (error) => {
    assert.ok(error instanceof StoreFailedError);
    assert.match(error.message, words);
    return true;
  });

test("a file of a newer version, a foreign one and a damaged one are refused with what to do", async () => {
  await withDir(async (path) => {
    const store = await openSqliteStore({ path, clock: new FakeClock() });
    await put(store, "/a", "1");
    await store.close();
    const db = new DatabaseSync(path);
    db.exec("PRAGMA user_version = 99");
    db.close();
    await refused(path, /newer wherry \(data version 99, this one knows 1\)/);
  });
  await withDir(async (path) => {
    const db = new DatabaseSync(path);
    db.exec("CREATE TABLE other (x)");
    db.close();
    await refused(path, /not one of wherry's/);
  });
  await withDir(async (path) => {
    writeFileSync(path, "this is no database ".repeat(500));
    await refused(path, /is damaged .*restore it from a backup/);
  });
});

test("a second process finds the file in use", async () => {
  await withDir(async (path) => {
    const store = await openSqliteStore({ path, clock: new FakeClock() });
    await refused(path, /in use by another process/);
    await store.close();
  });
});

/** The thread of the store that `open` makes, to be ended as if it had failed. */
async function withThread(open: () => Promise<Store>): Promise<{ store: Store; thread: () => Worker }> {
  let thread: Worker | undefined;
  const seen = (worker: Worker): void => void (thread = worker);
  process.on("worker", seen);
  try {
    return { store: await open(), thread: () => thread as Worker };
  } finally {
    process.off("worker", seen);
  }
}

/** What a store has at a key, once it answers again. */
async function readAgain(store: Store, from: string): Promise<number> {
  for (;;) {
    const read = await store.range({ from }).catch((error: unknown) => error);
    if (!(read instanceof StoreFailedError)) return (read as RangeResult).items.length;
    await new Promise(setImmediate);
  }
}

test("a thread that dies is started again: watches end, what was acknowledged is there, writes go on", async () => {
  await withDir(async (path) => {
    const clock = new FakeClock();
    const { store, thread } = await withThread(() => openSqliteStore({ path, clock }));
    await put(store, "/a/x", "1", 0);
    const lease = await store.grantLease(60);
    const broken = new Promise<Error>((resolve) => {
      store.watch({ from: "/a/", to: "/a0", after: store.revision }, { onEvents() {}, onError: resolve });
    });
    const underWay = put(store, "/a/y", "1", 0);
    await thread().terminate();
    assert.match(String(await broken), /^StoreFailedError: the store's thread failed/);
    await underWay.catch((error) => assert.ok(error instanceof StoreFailedError));
    const late = Promise.withResolvers<Error>();
    let begun = false;
    const onError = (error: Error): void => {
      assert.ok(begun, "called before the watch was there");
      late.resolve(error);
    };
    store.watch({ from: "/a/", to: "/a0", after: store.revision }, { onEvents() {}, onError });
    begun = true;
    assert.ok((await late.promise) instanceof StoreFailedError);
    assert.equal(await readAgain(store, "/a/x"), 1);
    const { revision } = await put(store, "/a/z", "1", 0);
    const seen = new Promise<number>((resolve, reject) => {
      store.watch(
        { from: "/a/", to: "/a0", after: revision },
        { onEvents: (_events, at) => resolve(at), onError: reject },
      );
    });
    await put(store, "/a/z", "2", revision);
    assert.equal(await seen, revision + 1);
    await store.revokeLease(lease);
    await store.close();
  });
});

test("a thread that cannot open its file any more is tried again, and says why meanwhile", async () => {
  await withDir(async (path) => {
    const clock = new FakeClock();
    const { store, thread } = await withThread(() => openSqliteStore({ path, clock }));
    await put(store, "/a/x", "1", 0);
    renameSync(path, `${path}.away`);
    mkdirSync(path);
    await thread().terminate();
    while (clock.waiting === 0) await new Promise(setImmediate);
    await assert.rejects(store.range({ from: "/a/x" }), /thread failed: it ended; /);
    rmdirSync(path);
    renameSync(`${path}.away`, path);
    clock.advance(1000);
    assert.equal(await readAgain(store, "/a/x"), 1);
    await store.close();
  });
});

test("kill -9 loses nothing that was acknowledged", async () => {
  await withDir(async (path) => {
    const writer = spawn(
      process.execPath,
      [new URL("./testdata/endless-writer.ts", import.meta.url).pathname, path],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    let seen = "";
    for await (const chunk of writer.stdout) {
      seen += chunk;
      // In the middle of whatever it is doing.
      if (seen.split("\n").length > 150) writer.kill("SIGKILL");
    }
    const acknowledged = seen
      .split("\n")
      .slice(0, -1)
      .map((line) => line.split(" "));
    assert.ok(acknowledged.length >= 150);
    const store = await openSqliteStore({ path, clock: new FakeClock() });
    let last = 1;
    for (const [key = "", revision = ""] of acknowledged) {
      const { items } = await store.range({ from: key });
      assert.equal(items[0]?.modRevision, Number(revision), key);
      last = Math.max(last, Number(revision));
    }
    assert.ok(store.revision >= last);
    const next = await put(store, "/after", "1", 0);
    assert.equal(next.revision, store.revision);
    await store.close();
  });
});
