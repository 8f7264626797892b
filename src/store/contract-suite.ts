import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CompactedError,
  FutureRevisionError,
  LeaseNotFoundError,
  prefixEnd,
  type Store,
  type StoreEvent,
  type TxnResult,
} from "./contract.ts";

export interface OpenedStore {
  store: Store;
  /** Moves the clock that the store was given. */
  advance(ms: number): void;
  /** Closes and opens again what is stored; absent when nothing is kept. */
  reopen?(): Promise<Store>;
  dispose(): Promise<void>;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string | undefined => value && Buffer.from(value).toString();

export function put(store: Store, key: string, value: string, modRevision?: number): Promise<TxnResult> {
  return store.txn({
    when: modRevision === undefined ? [] : [{ key, modRevision }],
    then: [{ type: "put", key, value: bytes(value) }],
  });
}

/** Collects a watch's events; `next(n)` settles when n have come. */
function collect(store: Store, after: number, previous = false) {
  const events: StoreEvent[] = [];
  const groups: number[] = [];
  let error: Error | undefined;
  let wake = (): void => {};
  const watch = store.watch(
    { from: "/a/", to: prefixEnd("/a/"), after, previous },
    {
      onEvents(batch, revision) {
        events.push(...batch);
        groups.push(revision);
        wake();
      },
      onError(cause) {
        error = cause;
        wake();
      },
    },
  );
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return {
    events,
    groups,
    close: () => watch.close(),
    next: (count: number) => until(() => events.length >= count),
    failed: async () => {
      await until(() => error !== undefined);
      return error;
    },
  };
}

/** The laws of contract.ts, run on every implementation. */
export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  const law = (title: string, run: (opened: OpenedStore, store: Store) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const opened = await open();
      try {
        await run(opened, opened.store);
      } finally {
        await opened.dispose();
      }
    });
  };

  law("one revision per transaction, versions count per key", async (_, store) => {
    const start = store.revision;
    const first = await put(store, "/a/x", "1", 0);
    assert.deepEqual(first, { succeeded: true, revision: start + 1 });
    const both = await store.txn({
      when: [{ key: "/a/x", modRevision: start + 1 }],
      then: [
        { type: "put", key: "/a/x", value: bytes("2") },
        { type: "put", key: "/a/y", value: bytes("1") },
      ],
    });
    assert.equal(both.revision, start + 2);
    assert.equal(store.revision, start + 2);
    const { items, count } = await store.range({ from: "/a/", to: prefixEnd("/a/") });
    assert.equal(count, 2);
    assert.deepEqual(
      items.map((kv) => [kv.key, text(kv.value), kv.createRevision, kv.modRevision, kv.version, kv.lease]),
      [
        ["/a/x", "2", start + 1, start + 2, 2, 0],
        ["/a/y", "1", start + 2, start + 2, 1, 0],
      ],
    );
  });

  law("a condition that does not hold changes nothing and says what is there", async (_, store) => {
    await put(store, "/a/x", "1");
    const before = store.revision;
    const result = await store.txn({
      when: [
        { key: "/a/x", modRevision: before - 1 },
        { key: "/a/none", modRevision: 0 },
      ],
      then: [{ type: "put", key: "/a/x", value: bytes("2") }],
    });
    assert.ok(!result.succeeded);
    assert.equal(text(result.current[0]?.value), "1");
    assert.equal(result.current[1], undefined);
    assert.equal(store.revision, before);
    const again = await put(store, "/a/x", "3", 0);
    assert.equal(again.succeeded, false);
  });

  law("concurrent compare-and-swap: exactly one wins", async (_, store) => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => put(store, "/a/x", `${i}`, 0)));
    assert.equal(results.filter((result) => result.succeeded).length, 1);
  });

  law("much is read whole and in order: large values, many keys, deleted ones between", async (_, store) => {
    const start = store.revision;
    const large = "x".repeat(1_500_000);
    for (let i = 0; i < 8; i++) await put(store, `/a/large-${i}`, `${i}${large}`);
    const names = Array.from({ length: 4100 }, (_, i) => `/a/many-${String(i).padStart(4, "0")}`);
    for (let at = 0; at < names.length; at += 400) {
      const some = names.slice(at, at + 400);
      await store.txn({ when: [], then: some.map((key) => ({ type: "put", key, value: bytes("1") })) });
    }
    // The last of a page of 2,000 keys and whole stretches are gone.
    const gone = names.slice(1900, 2100);
    await store.txn({ when: [], then: gone.map((key) => ({ type: "delete", key })) });
    const { revision } = store;
    await put(store, "/a/later", "1");
    const { items, count } = await store.range({ from: "/a/", to: prefixEnd("/a/"), revision });
    const left = [...names.slice(0, 1900), ...names.slice(2100)];
    const wanted = [...Array.from({ length: 8 }, (_, i) => `/a/large-${i}`), ...left];
    assert.deepEqual(
      items.map(({ key }) => key),
      wanted,
    );
    assert.equal(count, wanted.length);
    assert.ok(items.every(({ value }, i) => value.length === (i < 8 ? large.length + 1 : 1)));
    const seen = collect(store, start);
    await seen.next(8 + names.length + gone.length + 1);
    seen.close();
    const revisions = Array.from({ length: store.revision - start }, (_, i) => start + 1 + i);
    assert.deepEqual(seen.groups, revisions);
    assert.equal(seen.events.length, 8 + names.length + gone.length + 1);
  });

  law(
    "a deleted key starts again at version 1; deleting what is not there changes nothing",
    async (_, store) => {
      await put(store, "/a/x", "1");
      const gone = await store.txn({ when: [], then: [{ type: "delete", key: "/a/x" }] });
      const again = await store.txn({ when: [], then: [{ type: "delete", key: "/a/x" }] });
      assert.equal(again.revision, gone.revision);
      const back = await put(store, "/a/x", "2", 0);
      assert.ok(back.succeeded);
      const { items } = await store.range({ from: "/a/x" });
      assert.equal(items[0]?.version, 1);
      assert.equal(items[0]?.createRevision, back.revision);
    },
  );

  law("range: limit, count, one key, former revisions, the future", async (_, store) => {
    for (const name of ["c", "a", "b"]) await put(store, `/a/${name}`, name);
    await put(store, "/b/other", "other");
    const at = store.revision;
    await put(store, "/a/a", "changed");
    await store.txn({ when: [], then: [{ type: "delete", key: "/a/b" }] });
    const limited = await store.range({ from: "/a/", to: prefixEnd("/a/"), limit: 1 });
    assert.deepEqual([limited.items.map((kv) => kv.key), limited.count], [["/a/a"], 2]);
    const former = await store.range({ from: "/a/", to: prefixEnd("/a/"), revision: at });
    assert.deepEqual(
      former.items.map((kv) => text(kv.value)),
      ["a", "b", "c"],
    );
    assert.equal(former.revision, store.revision);
    assert.equal((await store.range({ from: "/a/b" })).count, 0);
    await assert.rejects(store.range({ from: "/a/b", revision: store.revision + 1 }), FutureRevisionError);
  });

  law("watch: history, then live, grouped by transaction, former values when asked", async (_, store) => {
    await put(store, "/a/x", "1");
    const after = store.revision;
    await put(store, "/a/x", "2");
    await put(store, "/b/x", "not watched");
    const watch = collect(store, after, true);
    const last = await store.txn({
      when: [],
      then: [
        { type: "delete", key: "/a/x" },
        { type: "put", key: "/a/y", value: bytes("3") },
      ],
    });
    await watch.next(3);
    assert.deepEqual(
      watch.events.map((event) => [
        event.type,
        event.type === "put" ? event.kv.key : event.key,
        text(event.previous?.value),
      ]),
      [
        ["put", "/a/x", "1"],
        ["delete", "/a/x", "2"],
        ["put", "/a/y", undefined],
      ],
    );
    assert.deepEqual(watch.groups, [after + 1, last.revision]);
    watch.close();
    await put(store, "/a/z", "4");
    assert.equal(watch.events.length, 3);
  });

  law("a write's events arrive before it is acknowledged", async (_, store) => {
    const watch = collect(store, store.revision);
    for (let i = 0; i < 10; i++) {
      const { revision } = await put(store, "/a/x", `${i}`);
      assert.equal(watch.groups.at(-1), revision);
    }
    watch.close();
  });

  law("watches that begin while writes go on miss nothing and repeat nothing", async (_, store) => {
    const after = store.revision;
    const writes: Promise<unknown>[] = [];
    const watches = [];
    for (let i = 0; i < 60; i++) {
      writes.push(put(store, `/a/k${i % 7}`, `${i}`));
      if (i % 6 === 0) watches.push(collect(store, after));
      if (i % 10 === 0) await writes[i];
    }
    await Promise.all(writes);
    for (const watch of watches) {
      await watch.next(60);
      assert.deepEqual(
        watch.groups,
        Array.from({ length: 60 }, (_, i) => after + 1 + i),
      );
      watch.close();
    }
  });

  law("compaction: at the revision works, below it is an error", async (_, store) => {
    for (let i = 0; i < 5; i++) await put(store, "/a/x", `${i}`);
    await put(store, "/a/gone", "1");
    await store.txn({ when: [], then: [{ type: "delete", key: "/a/gone" }] });
    const at = store.revision;
    await put(store, "/a/x", "last");
    await store.compact(at);
    assert.equal(store.compactedRevision, at);
    await assert.rejects(store.range({ from: "/a/x", revision: at - 1 }), CompactedError);
    const { items } = await store.range({ from: "/a/", to: prefixEnd("/a/"), revision: at });
    assert.deepEqual(
      items.map((kv) => [kv.key, text(kv.value)]),
      [["/a/x", "4"]],
    );
    assert.equal(text((await store.range({ from: "/a/x" })).items[0]?.value), "last");
    const below = collect(store, at - 1);
    assert.ok((await below.failed()) instanceof CompactedError);
    const exact = collect(store, at);
    await exact.next(1);
    exact.close();
    await assert.rejects(store.compact(at), CompactedError);
    await assert.rejects(store.compact(store.revision + 1), FutureRevisionError);
  });

  law("leases: keys vanish with them, and watchers see it", async (opened, store) => {
    const short = await store.grantLease(10);
    const long = await store.grantLease(100);
    const putLeased = (key: string, lease: number) =>
      store.txn({ when: [], then: [{ type: "put", key, value: bytes("v"), lease }] });
    await putLeased("/a/short", short);
    await putLeased("/a/moved", short);
    await putLeased("/a/moved", long);
    await putLeased("/a/long", long);
    const watch = collect(store, store.revision, true);
    opened.advance(10_001);
    await watch.next(1);
    assert.deepEqual(
      watch.events.map((event) => [
        event.type,
        event.type === "delete" && event.key,
        text(event.previous?.value),
      ]),
      [["delete", "/a/short", "v"]],
    );
    await assert.rejects(putLeased("/a/late", short), LeaseNotFoundError);
    await store.revokeLease(long);
    await watch.next(3);
    assert.equal((await store.range({ from: "/a/", to: prefixEnd("/a/") })).count, 0);
    await assert.rejects(store.revokeLease(long), LeaseNotFoundError);
    watch.close();
  });

  law("binary values and odd keys come back as they were", async (_, store) => {
    const value = Uint8Array.from({ length: 256 }, (_, i) => i);
    await store.txn({ when: [], then: [{ type: "put", key: '/a/it\'s "odd"/é', value }] });
    await store.txn({ when: [], then: [{ type: "put", key: "/a/empty", value: new Uint8Array(0) }] });
    const { items } = await store.range({ from: "/a/", to: prefixEnd("/a/") });
    assert.equal(items[0]?.value.length, 0);
    assert.deepEqual([...(items[1]?.value ?? [])], [...value]);
  });

  law("closing waits for writes under way and refuses later ones", async (_, store) => {
    const under = put(store, "/a/x", "1");
    const closing = store.close();
    assert.ok((await under).succeeded);
    await closing;
    await store.close();
    await assert.rejects(put(store, "/a/x", "2"));
  });

  law(
    "reopening keeps every acknowledged write, its history, compaction and leases",
    async (opened, store) => {
      if (!opened.reopen) return;
      await put(store, "/a/x", "1");
      await store.compact(store.revision);
      const lease = await store.grantLease(60);
      await put(store, "/a/x", "2");
      await store.txn({ when: [], then: [{ type: "put", key: "/a/leased", value: bytes("v"), lease }] });
      const { revision, compactedRevision } = store;
      const again = await opened.reopen();
      assert.deepEqual([again.revision, again.compactedRevision], [revision, compactedRevision]);
      const watch = collect(again, compactedRevision, true);
      await watch.next(2);
      assert.deepEqual(
        watch.events.map(
          (event) => event.type === "put" && [event.kv.key, event.kv.version, text(event.previous?.value)],
        ),
        [
          ["/a/x", 2, "1"],
          ["/a/leased", 1, undefined],
        ],
      );
      assert.ok((await put(again, "/a/new", "1", 0)).revision > revision);
      opened.advance(60_001);
      await watch.next(4);
      assert.deepEqual(watch.events.at(-1)?.type, "delete");
      watch.close();
    },
  );
}
