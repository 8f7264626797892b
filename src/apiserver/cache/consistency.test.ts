import assert from "node:assert/strict";
import { test } from "node:test";
import { configMap, startHarness } from "../testing/harness.ts";

/** A small generator with a seed, so that a failure can be repeated. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 48271) % 2147483647;
    return state % sides;
  };
}

const maps = "/api/v1/namespaces/default/configmaps";
const merge = { "content-type": "application/merge-patch+json" };

/** Applies a watch's events to a list, and compares the result with a list at the end. */
for (const seed of [1, 7, 42]) {
  test(`list plus watch is the truth, whatever is written (seed ${seed})`, async () => {
    const h = await startHarness();
    const roll = dice(seed);
    const write = async (): Promise<void> => {
      const name = `m${roll(8)}`;
      const labels = { shade: roll(2) ? "dark" : "light" };
      switch (roll(4)) {
        case 0:
          await h.call("POST", maps, configMap(name, { n: String(roll(1000)) }, labels));
          break;
        case 1:
        case 2:
          await h.call(
            "PATCH",
            `${maps}/${name}`,
            { metadata: { labels }, data: { n: String(roll(1000)) } },
            merge,
          );
          break;
        default:
          await h.call("DELETE", `${maps}/${name}`);
      }
    };
    type Watched = {
      query: string;
      state: Map<string, string>;
      close(): void;
      run: Promise<void>;
      last: number;
    };
    const watched: Watched[] = [];
    const begin = async (query: string): Promise<void> => {
      const list = (await h.call("GET", `${maps}?${query}`)).body;
      const entry = (object: { metadata: { name: string }; data: unknown }): [string, string] => [
        object.metadata.name,
        JSON.stringify([object.metadata, object.data]),
      ];
      const state = new Map<string, string>(list.items.map(entry));
      const reader = await h.watch(
        `${maps}?watch=1&resourceVersion=${list.metadata.resourceVersion}&${query}`,
      );
      const one: Watched = {
        query,
        state,
        close: reader.close,
        last: Number(list.metadata.resourceVersion),
        run: Promise.resolve(),
      };
      one.run = (async () => {
        for (;;) {
          const event = await reader.next().catch(() => undefined);
          if (!event) return;
          const [name, text] = entry(event.object);
          const version = Number(event.object.metadata.resourceVersion);
          assert.ok(version > one.last, "versions only grow");
          one.last = version;
          assert.equal(state.has(name), event.type !== "ADDED", `${event.type} ${name}`);
          if (event.type === "DELETED") state.delete(name);
          else state.set(name, text);
        }
      })();
      watched.push(one);
    };
    for (let i = 0; i < 150; i++) {
      if (i % 25 === 0) await begin(i % 50 === 0 ? "" : "labelSelector=shade%3Ddark");
      if (roll(5) === 0) await Promise.all([write(), write(), write()]);
      else await write();
    }
    await new Promise((resolve) => setImmediate(resolve));
    for (const one of watched) {
      const { items } = (await h.call("GET", `${maps}?${one.query}`)).body;
      const truth = items.map((item: { metadata: { name: string }; data: unknown }) => [
        item.metadata.name,
        JSON.stringify([item.metadata, item.data]),
      ]);
      assert.deepEqual([...one.state].sort(), truth);
      one.close();
      await one.run;
    }
    await h.close();
  });
}

test("every former state that is not compacted can be listed again", async () => {
  const h = await startHarness();
  const roll = dice(3);
  const states = new Map<number, string>();
  for (let i = 0; i < 60; i++) {
    const name = `m${roll(6)}`;
    await h.call(roll(3) ? "PATCH" : "DELETE", `${maps}/${name}`, { data: { n: String(i) } }, merge);
    await h.call("POST", maps, configMap(name));
    states.set(h.store.revision, JSON.stringify((await h.call("GET", maps)).body.items));
  }
  for (const [revision, items] of states) {
    const { body } = await h.call("GET", `${maps}?resourceVersion=${revision}&resourceVersionMatch=Exact`);
    assert.equal(JSON.stringify(body.items), items);
  }
  await h.close();
});
