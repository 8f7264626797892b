import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigMap } from "../../api/index.ts";
import { silentLogger, StatusError } from "../../machinery/index.ts";
import { openTestApi, FakeClock, settle, watchTransport } from "../../testing/index.ts";
import { createClient } from "../client.ts";
import { createInformer } from "./informer.ts";

async function setUp() {
  const clock = new FakeClock();
  const api = watchTransport((await openTestApi(clock, { admission: false })).transport);
  const client = createClient(api);
  const stop = new AbortController();
  const seen: string[] = [];
  const start = () => {
    const informer = createInformer<ConfigMap>({
      resource: client.configMaps,
      clock,
      log: silentLogger,
      signal: stop.signal,
    });
    informer.onChange((type, object) => seen.push(`${type} ${object.metadata?.name}=${object.data?.["v"]}`));
    return informer;
  };
  const make = (name: string, v: string) =>
    client.configMaps.create("default", { metadata: { name }, data: { v } });
  const change = (name: string, v: string) =>
    client.configMaps.patch("default", name, "merge", { data: { v } });
  return { clock, api, client, stop, seen, start, make, change };
}

test("lists, then follows", async () => {
  const { client, stop, seen, start, make, change } = await setUp();
  await make("a", "1");
  const informer = start();
  await informer.synced;
  await make("b", "1");
  await change("a", "2");
  await client.configMaps.delete("default", "b");
  await settle();
  assert.deepEqual(seen, ["add a=1", "add b=1", "update a=2", "delete b=1"]);
  assert.equal(informer.get("default/a")?.kind, "ConfigMap");
  stop.abort();
  await informer.ended;
});

test("a late handler sees what is there; an index follows changes", async () => {
  const { client, stop, start, make, change } = await setUp();
  await make("a", "1");
  const informer = start();
  await informer.synced;
  informer.addIndex("v", (object) => [object.data?.["v"] ?? ""]);
  const late: string[] = [];
  informer.onChange((type, object) => late.push(`${type} ${object.metadata?.name}`));
  assert.deepEqual(late, ["add a"]);
  await change("a", "2");
  await settle();
  assert.deepEqual(informer.byIndex("v", "1"), []);
  assert.equal(informer.byIndex("v", "2").length, 1);
  await client.configMaps.delete("default", "a");
  await settle();
  assert.deepEqual(informer.byIndex("v", "2"), []);
  stop.abort();
});

test("a watch that ends is resumed where it was, without a new list", async () => {
  const { api, clock, stop, seen, start, make, change } = await setUp();
  await make("a", "1");
  const informer = start();
  await informer.synced;
  await settle();
  api.endWatches();
  await change("a", "2");
  await clock.run(1000);
  assert.deepEqual(seen, ["add a=1", "update a=2"]);
  assert.equal(api.calls.filter((call) => call.method === "GET" && !call.path.includes("watch")).length, 1);
  stop.abort();
});

test("too old a revision leads to a new list that tells the difference", async () => {
  const { api, clock, client, stop, seen, start, make, change } = await setUp();
  await make("a", "1");
  await make("b", "1");
  await make("c", "1");
  const informer = start();
  await informer.synced;
  await settle();
  let refuse = true;
  api.intercept = ({ path }) => {
    if (!path.includes("watch=true") || !refuse) return;
    refuse = false;
    throw new StatusError("Expired", "too old resource version");
  };
  api.endWatches();
  await client.configMaps.delete("default", "a");
  await change("b", "2");
  await client.configMaps.delete("default", "c");
  await make("c", "new");
  await clock.run(1000);
  assert.deepEqual(seen.slice(3), ["delete a=1", "update b=2", "delete c=1", "add c=new"]);
  stop.abort();
});

test("a revision from the future, of a store that was replaced, leads to a new list as well", async () => {
  const { api, clock, stop, seen, start, make } = await setUp();
  const informer = start();
  await informer.synced;
  await settle();
  let refuse = true;
  api.intercept = ({ path }) => {
    if (!path.includes("watch=true") || !refuse) return;
    refuse = false;
    throw new StatusError("Timeout", "Too large resource version: 999, current: 1");
  };
  api.endWatches();
  await make("a", "1");
  await clock.run(5000);
  assert.deepEqual(seen, ["add a=1"]);
  stop.abort();
});

test("waits longer after each failure, and stops when told to", async () => {
  const { api, clock, stop, start } = await setUp();
  let tries = 0;
  api.intercept = () => {
    tries++;
    throw new StatusError("ServiceUnavailable", "not yet");
  };
  const informer = start();
  await clock.run(1000);
  assert.ok(tries >= 4 && tries <= 6, `${tries} tries in the first second`);
  tries = 0;
  await clock.run(60_000);
  assert.ok(tries <= 30, `${tries} tries in the minute after`);
  stop.abort(new Error("enough"));
  await informer.ended;
  await assert.rejects(informer.synced, /enough/);
});
