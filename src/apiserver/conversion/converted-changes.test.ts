import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../api/index.ts";
import { FakeClock } from "../../testing/index.ts";
import { Entry } from "../cache/entry.ts";
import { atRevision } from "../cache/objects.ts";
import { type Change, WatchCache } from "../cache/watch-cache.ts";
import { ConversionError } from "./review.ts";
import { ConvertedSource } from "./converted-source.ts";
import { VersionView } from "./version-view.ts";

const stored = (name: string, revision: number): Entry => {
  const metadata = { name, namespace: "n", uid: name, resourceVersion: String(revision) };
  const object = { kind: "Thing", apiVersion: "g/v1", metadata, spec: { revision } };
  return new Entry(`n/${name}`, revision, Buffer.from(JSON.stringify(object)), undefined);
};

/** A cache, and a view of it with a webhook that can fail. */
function rig() {
  const cache = new WatchCache(0);
  const clock = new FakeClock();
  const asked: string[][] = [];
  const bad = new Set<string>();
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure = error;
  };
  const converter = {
    async convert(objects: readonly KubeObject[], apiVersion: string) {
      const names = objects.map((each) => `${each.metadata?.name}@${each.metadata?.resourceVersion}`);
      asked.push(names);
      await Promise.resolve();
      if (failure) throw failure;
      if (names.some((name) => bad.has(name))) throw new Error("no way");
      return objects.map((each) => ({ ...structuredClone(each), apiVersion }) as KubeObject);
    },
  };
  const hooks = { read() {}, isRead: () => true, converted: () => [] };
  const version = {
    kind: "Thing",
    apiVersion: "g/v2",
    storedApiVersion: "g/v1",
    hooks,
    own: (entry: Entry) => entry,
  };
  const view = new VersionView(version, converter, cache, clock);
  const put = (name: string, revision: number): Change => cache.put(stored(name, revision));
  const drop = (name: string, revision: number): void => {
    cache.remove(`n/${name}`, (previous) => atRevision(previous, revision));
  };
  return { cache, clock, asked, bad, fail, view, put, drop };
}

const shown = ({ type, entry, previous }: Change): string =>
  `${type} ${entry.name}@${entry.object.metadata?.resourceVersion} ${entry.object.apiVersion}${previous ? ` was ${previous.object.apiVersion}` : ""}`;

const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

test("an entry is converted once, whoever asks and however many at once", async () => {
  const { cache, view, put, asked } = rig();
  put("a", 1);
  put("b", 2);
  const [first, second] = await Promise.all([view.all(cache.list("")), view.all(cache.list(""))]);
  assert.deepEqual(asked, [["a@1", "b@2"]]);
  assert.equal(first[0], second[0]);
  assert.equal(first[0]?.object.apiVersion, "g/v2");
  assert.equal(await view.of(cache.get("n/a") as Entry), first[0]);
  put("a", 3);
  await view.all(cache.list(""));
  assert.deepEqual(asked.slice(1), [["a@3"]]);
});

test("who asked for something good is not refused for what others asked for with it", async () => {
  const { cache, view, put, bad } = rig();
  put("a", 1);
  put("b", 2);
  bad.add("b@2");
  const list = view.all(cache.list(""));
  const one = view.of(cache.get("n/a") as Entry);
  await assert.rejects(list, /no way/);
  assert.equal((await one).object.apiVersion, "g/v2");
  bad.clear();
  assert.equal((await view.all(cache.list(""))).length, 2, "a failure is not kept");
});

test("a webhook that does not answer is not asked again by who waited for it", async () => {
  const { cache, view, put, asked, fail } = rig();
  put("a", 1);
  fail(new ConversionError("no answer", false));
  const [one, list] = await Promise.allSettled([
    view.of(cache.get("n/a") as Entry),
    view.all(cache.list("")),
  ]);
  assert.deepEqual([one.status, list.status, asked.length], ["rejected", "rejected", 1]);
});

test("changes come in order, also when one of them waits for its conversion", async () => {
  const { view, put, drop, bad, clock } = rig();
  const seen: string[] = [];
  const stop = view.changes.subscribe(
    (change) => seen.push(shown(change)),
    () => assert.fail("lost"),
  );
  put("a", 1);
  put("b", 2);
  bad.add("b@2");
  put("a", 3);
  drop("a", 4);
  await settled();
  assert.deepEqual(seen, ["added a@1 g/v2"]);
  const marks: string[] = [];
  view.changes.whenTold(() => marks.push(seen.at(-1) ?? ""));
  bad.clear();
  await settled();
  assert.equal(seen.length, 1, "the webhook is left alone for a moment");
  clock.advance(250);
  await settled();
  assert.deepEqual(seen, [
    "added a@1 g/v2",
    "added b@2 g/v2",
    "modified a@3 g/v2 was g/v2",
    "deleted a@4 g/v2 was g/v2",
  ]);
  assert.deepEqual(marks, ["deleted a@4 g/v2 was g/v2"]);
  stop();
  put("c", 5);
  await settled();
  assert.equal(seen.length, 4, "nobody watches, nothing is converted");
});

test("when too much waits for a webhook, watchers are let go", async () => {
  const { view, put, bad } = rig();
  let lost = 0;
  view.changes.subscribe(
    () => assert.fail("told"),
    () => lost++,
  );
  bad.add("a@1");
  for (let revision = 1; revision <= 10_001; revision++) put("a", revision);
  assert.equal(lost, 1);
  await settled();
});

test("a watch sees its beginning first, then what happened meanwhile, each once", async () => {
  const { cache, view, put, clock } = rig();
  put("a", 1);
  put("b", 2);
  const seen: string[] = [];
  const source = new ConvertedSource(
    view,
    clock,
    2,
    (change) => seen.push(shown(change)),
    () => assert.fail("lost"),
  );
  const state = cache.list("").map(
    (entry): Change => ({
      type: "added",
      revision: entry.revision,
      entry,
      previous: undefined,
      frames: new Map(),
    }),
  );
  source.begin(state, () => seen.push("begun"));
  put("a", 3);
  await settled();
  assert.deepEqual(seen, ["added a@1 g/v2", "added b@2 g/v2", "begun", "modified a@3 g/v2 was g/v2"]);
  source.stop();
  put("a", 4);
  await settled();
  assert.equal(seen.length, 4);
});
