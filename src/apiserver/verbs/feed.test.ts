import assert from "node:assert/strict";
import { test } from "node:test";
import { configMap, startHarness } from "../testing/harness.ts";
import { feed } from "./feed.ts";

test("a reader is given what it takes, and then the end", () => {
  let backlog = 0;
  let most = 0;
  let left = 100;
  let ended = 0;
  const waiting: (() => void)[] = [];
  const sink = {
    write(chunk: Uint8Array) {
      backlog += chunk.length;
      most = Math.max(most, backlog);
    },
    writeParts() {},
    end() {},
    get backlog() {
      return backlog;
    },
    whenTaken: (callback: () => void) => void waiting.push(callback),
  };
  const next = (): boolean => {
    if (left-- === 0) return false;
    sink.write(new Uint8Array(300_000));
    return true;
  };
  feed(sink, next, () => ended++);
  while (waiting.length > 0) {
    assert.equal(ended, 0);
    backlog = 0;
    waiting.shift()?.();
  }
  assert.deepEqual([left, ended], [-1, 1]);
  assert.ok(most < 1_500_000, `${most}`);
  let unasked = 0;
  const stop = feed(
    sink,
    () => {
      sink.write(new Uint8Array(2_000_000));
      return true;
    },
    () => unasked++,
  );
  stop();
  waiting.shift()?.();
  assert.deepEqual([waiting.length, unasked], [0, 0]);
});

test("what happens while a slow reader gets the state comes behind it, in order", async () => {
  const h = await startHarness();
  const maps = "/api/v1/namespaces/default/configmaps";
  const names = Array.from({ length: 40 }, (_, i) => `m${String(i).padStart(2, "0")}`);
  for (const name of names) await h.call("POST", maps, configMap(name, { text: "x".repeat(100_000) }));
  const reader = await h.watch(
    `${maps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
  );
  const state = h.store.revision;
  await h.call("DELETE", `${maps}/m39`);
  await h.call("POST", maps, configMap("new"));
  const seen: string[] = [];
  for (let i = 0; i < names.length + 3; i++) {
    const event = await reader.next();
    const { name, resourceVersion } = event?.object.metadata ?? {};
    seen.push(`${event?.type} ${name ?? resourceVersion}`);
  }
  assert.deepEqual(seen, [
    ...names.map((name) => `ADDED ${name}`),
    `BOOKMARK ${state}`,
    "DELETED m39",
    "ADDED new",
  ]);
  reader.close();
  await h.close();
});
