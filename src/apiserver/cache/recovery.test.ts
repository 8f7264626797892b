import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { openMemoryStore, openSqliteStore, type Store, type WatchSink } from "../../store/index.ts";
import { FakeClock, settle } from "../../testing/index.ts";
import { encodeStored } from "../codec/stored.ts";
import { configMap, type Harness, startHarness } from "../testing/harness.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const keyOf = (name: string): string => `/registry/core/configmaps/default/${name}`;

interface Breakable {
  h: Harness;
  clock: FakeClock;
  /** Writes like another server: this one learns of it by its watch only. */
  other(name: string, value: string | undefined): Promise<void>;
  breakWatch(why: string): void;
  /** The error of reads of the whole store, while set. */
  refusal: Error | undefined;
  /** Ends the next watch with this error as soon as it has begun. */
  nextWatchEnds: Error | undefined;
  wholeReads: number;
  /** Blocks reads of the whole store. */
  hold: Promise<void> | undefined;
  watches: number;
}

async function startBreakable(): Promise<Breakable> {
  const clock = new FakeClock();
  const memory = await openMemoryStore({ clock });
  const sinks = new Set<{ sink: WatchSink; close(): void }>();
  const own: Pick<Store, "range" | "watch"> = {
    range(asked) {
      const isWhole = asked.to !== undefined && asked.revision === undefined;
      if (isWhole) broken.wholeReads++;
      if (isWhole && broken.refusal) return Promise.reject(broken.refusal);
      return isWhole && broken.hold ? broken.hold.then(() => memory.range(asked)) : memory.range(asked);
    },
    watch(asked, sink) {
      broken.watches++;
      const watch = memory.watch(asked, sink);
      const { nextWatchEnds: error } = broken;
      broken.nextWatchEnds = undefined;
      if (error) {
        watch.close();
        queueMicrotask(() => sink.onError(error));
      } else sinks.add({ sink, close: () => watch.close() });
      return watch;
    },
  };
  const store = new Proxy(memory, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(own, name) ?? Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const broken: Breakable = {
    h: undefined as unknown as Harness,
    clock,
    refusal: undefined,
    nextWatchEnds: undefined,
    wholeReads: 0,
    hold: undefined,
    watches: 0,
    async other(name, value) {
      const key = keyOf(name);
      const [now] = (await memory.range({ from: key })).items;
      const object = { ...configMap(name, { value: value ?? "" }) };
      object.metadata = { ...object.metadata, namespace: "default", uid: `uid-of-${name}` };
      const write =
        value === undefined
          ? ({ type: "delete", key } as const)
          : ({ type: "put", key, value: encodeStored(object, "ConfigMap", "v1") } as const);
      await memory.txn({ when: [{ key, modRevision: now?.modRevision ?? 0 }], then: [write] });
    },
    breakWatch(why) {
      for (const { sink, close } of [...sinks]) {
        close();
        sink.onError(new Error(why));
      }
      sinks.clear();
    },
  };
  broken.h = await startHarness({ store, clock });
  return broken;
}

test("a store that cannot be followed: watches end, caches are not asked, and all is read anew", async () => {
  const broken = await startBreakable();
  const { h, clock } = broken;
  await h.call("POST", maps, configMap("a", { value: "1" }));
  await h.call("POST", maps, configMap("b", { value: "1" }));
  const list = (await h.call("GET", maps)).body;
  const open = await h.watch(`${maps}?watch=1&resourceVersion=${list.metadata.resourceVersion}`);
  const told: string[] = [];
  h.server.objects.onChange("", "configmaps", (type, { metadata }) => told.push(`${type} ${metadata?.name}`));

  broken.breakWatch("connection lost");
  assert.equal(await open.next(), undefined);
  await broken.other("a", "2");
  await broken.other("b", undefined);
  await broken.other("c", "1");

  for (const path of [
    `${maps}?watch=1`,
    maps,
    `${maps}?resourceVersion=0`,
    `${maps}?limit=1&labelSelector=a`,
  ]) {
    const { status, body, headers } = await h.call("GET", path);
    assert.deepEqual(
      [status, body.message, headers["retry-after"]],
      [429, "storage is (re)initializing: connection lost", "1"],
      path,
    );
  }
  // Small reads come from the store.
  assert.equal((await h.call("GET", `${maps}/a`)).body.data.value, "2");
  assert.equal((await h.call("GET", `${maps}/c`)).body.data.value, "1");
  assert.equal((await h.call("GET", `${maps}/b`)).status, 404);
  const page = (await h.call("GET", `${maps}?limit=1`)).body;
  assert.deepEqual([page.items[0].metadata.name, page.items[0].data.value], ["a", "2"]);
  const next = await h.call("GET", `${maps}?limit=1&continue=${page.metadata.continue}`);
  assert.equal(next.status, 200, next.text);
  assert.deepEqual(
    next.body.items.map((each: { metadata: { name: string } }) => each.metadata.name),
    ["c"],
  );
  // Nothing is written, not even what looks unchanged or deleted in the caches.
  const merge = { "content-type": "application/merge-patch+json" };
  for (const refused of [
    await h.call("POST", maps, configMap("d", { value: "1" })),
    await h.call("PUT", `${maps}/a`, configMap("a", { value: "1" })),
    await h.call("PATCH", `${maps}/c`, {}, merge),
    await h.call("DELETE", `${maps}/c`),
    await h.call("DELETE", maps),
  ])
    assert.deepEqual(
      [refused.status, refused.body.message, refused.headers["retry-after"]],
      [429, "storage is (re)initializing: connection lost", "1"],
    );
  assert.equal((await h.call("GET", "/readyz")).status, 500);
  assert.deepEqual(told, []);

  broken.refusal = new Error("still away");
  await clock.run(1000);
  assert.match((await h.call("GET", maps)).body.message, /^storage is \(re\)initializing: still away$/);
  await clock.run(30_000);
  assert.equal((await h.call("GET", maps)).headers["retry-after"], "6");

  broken.refusal = undefined;
  await clock.run(1000);
  const items = (await h.call("GET", maps)).body.items as {
    metadata: { name: string };
    data: { value: string };
  }[];
  assert.deepEqual(
    items.map(({ metadata, data }) => [metadata.name, data.value]),
    [
      ["a", "2"],
      ["c", "1"],
    ],
  );
  assert.deepEqual(told.sort(), ["added c", "deleted b", "modified a"]);
  assert.equal((await h.call("GET", "/readyz")).status, 200);
  const old = await h.watch(`${maps}?watch=1&resourceVersion=${list.metadata.resourceVersion}`);
  assert.equal((await old.next())?.object.code, 410);
  const now = (await h.call("GET", maps)).body.metadata.resourceVersion;
  const fresh = await h.watch(`${maps}?watch=1&resourceVersion=${now}`);
  await h.call("PUT", `${maps}/a`, configMap("a", { value: "3" }));
  assert.equal((await fresh.next())?.object.data.value, "3");
  fresh.close();
  await h.close();
});

test("a watch that ends as soon as all was read anew: the server is not taken for well, and tries again", async () => {
  const broken = await startBreakable();
  const { h, clock } = broken;
  broken.breakWatch("connection lost");
  broken.nextWatchEnds = new Error("lost again");
  await clock.run(1000);
  assert.match((await h.call("GET", maps)).body.message, /^storage is \(re\)initializing: lost again$/);
  assert.equal((await h.call("POST", maps, configMap("a"))).status, 429);
  await broken.other("b", "1");
  await clock.run(1000);
  assert.equal((await h.call("GET", maps)).body.items.length, 1);
  assert.equal((await h.call("POST", maps, configMap("a"))).status, 201);
  assert.equal(broken.wholeReads, 2);
  await h.close();
});

test("a server that closes does not try to follow its store again", async () => {
  const broken = await startBreakable();
  broken.breakWatch("connection lost");
  await broken.h.close();
  const { wholeReads } = broken;
  await broken.clock.run(60_000);
  assert.equal(broken.wholeReads, wholeReads);
});

test("a server that closes while it reads everything anew does not follow its store any more", async () => {
  const broken = await startBreakable();
  broken.breakWatch("connection lost");
  const held = Promise.withResolvers<void>();
  broken.hold = held.promise;
  await broken.clock.run(1000);
  assert.equal(broken.wholeReads, 1);
  const { watches } = broken;
  await broken.h.server.close();
  held.resolve();
  await settle();
  assert.equal(broken.watches, watches);
  await broken.h.store.close();
});

test("the embedded store's thread dies: the server goes on when there is another one", async () => {
  const dir = mkdtempSync(join(tmpdir(), "wherry-recovery-"));
  const clock = new FakeClock();
  let thread: Worker | undefined;
  process.once("worker", (worker) => (thread = worker));
  const store = await openSqliteStore({ path: join(dir, "state.db"), clock });
  const h = await startHarness({ store, clock });
  try {
    await h.call("POST", maps, configMap("a", { value: "1" }));
    const open = await h.watch(`${maps}?watch=1&resourceVersion=${store.revision}`);
    await thread?.terminate();
    assert.equal(await open.next(), undefined);
    const refused = await h.call("GET", maps);
    assert.equal(refused.status, 429);
    assert.match(refused.body.message, /the store's thread failed/);
    while ((await h.call("GET", maps)).status !== 200) await clock.run(1000);
    assert.deepEqual((await h.call("GET", `${maps}/a`)).body.data, { value: "1" });
    const made = await h.call("POST", maps, configMap("b"));
    assert.equal(made.status, 201);
  } finally {
    await h.close();
    rmSync(dir, { recursive: true });
  }
});
