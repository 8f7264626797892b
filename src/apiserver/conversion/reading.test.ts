import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../testing/index.ts";
import {
  conversionHook,
  crds,
  definition,
  failing,
  goodAnswer,
  group,
  mergePatch,
  thing,
  thingDefinition,
  things,
  thingVersions,
  withThings,
} from "../testing/conversion-webhook.ts";
import { failure } from "../testing/harness.ts";

const tableType = "application/json;as=Table;v=v1;g=meta.k8s.io";

test("get, list, tables, selectors and scale show the version that is asked for; each object is converted once", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", things("v1"), thing("v1", "a", { hostPort: "h1:1", replicas: 2 }));
  await h.call("POST", things("v1"), thing("v1", "b", { hostPort: "h2:2" }));
  assert.deepEqual(hook.asked(), [], "what is read as it is stored needs no webhook");
  const one = await h.call("GET", `${things("v2")}/a`);
  assert.equal(one.status, 200, one.text);
  assert.equal(one.body.apiVersion, `${group}/v2`);
  // Defaults are those of the stored version; the requested one drops unknown fields.
  assert.deepEqual(one.body.spec, { replicas: 2, mode: "one", host: "h1", port: "1" });
  assert.equal(one.body.metadata.managedFields[0].apiVersion, `${group}/v1`);
  const stored = (await h.call("GET", `${things("v1")}/a`)).body;
  assert.deepEqual({ ...one.body.metadata }, stored.metadata);
  const list = (await h.call("GET", things("v2"))).body;
  assert.equal(list.apiVersion, `${group}/v2`);
  assert.deepEqual(
    list.items.map((each: { spec: { host: string } }) => each.spec.host),
    ["h1", "h2"],
  );
  const page = (await h.call("GET", `${things("v2")}?limit=1`)).body;
  assert.equal(page.items.length, 1);
  assert.equal(page.metadata.remainingItemCount, 1);
  const table = (await h.call("GET", things("v2"), undefined, { accept: tableType })).body;
  assert.deepEqual(
    table.rows.map((row: { cells: unknown[] }) => row.cells),
    [
      ["a", "h1"],
      ["b", "h2"],
    ],
  );
  const named = (selector: string, version = "v2") =>
    h.call("GET", `${things(version)}?fieldSelector=${encodeURIComponent(selector)}`);
  assert.equal((await named("spec.host=h2")).body.items[0].metadata.name, "b");
  assert.equal((await named("spec.host=h3")).body.items.length, 0);
  assert.equal((await named("spec.hostPort=h1:1", "v1")).body.items[0].metadata.name, "a");
  failure(await named("spec.hostPort=h1:1"), 400);
  assert.equal((await h.call("GET", `${things("v2")}/a/scale`)).body.spec.replicas, 2);
  assert.deepEqual(hook.asked(), ["v2<-v1:a", "v2<-v1:b"]);
});

test("what is sent: the definition's review version, objects without resource version; labels may change", async (t) => {
  const hook = await conversionHook(t);
  hook.answer = (review) => {
    const answer = goodAnswer(review);
    for (const each of answer.response.convertedObjects)
      each.metadata = { ...each.metadata, labels: { host: each.spec.host }, generation: 99 };
    return answer;
  };
  const h = await withThings(t, hook, {}, thingDefinition(hook.url, ["v9", "v1beta1", "v1"]));
  const made = await h.call("POST", things("v1"), thing("v1", "a", { hostPort: "h1:1" }));
  const found = await h.call("GET", `${things("v2")}?labelSelector=host%3Dh1`);
  assert.equal(found.body.items.length, 1, found.text);
  assert.equal(found.body.items[0].metadata.generation, 1);
  assert.equal(found.body.items[0].metadata.resourceVersion, made.body.metadata.resourceVersion);
  assert.equal((await h.call("GET", `${things("v1")}?labelSelector=host%3Dh1`)).body.items.length, 0);
  const [review] = hook.reviews;
  assert.equal(review.apiVersion, "apiextensions.k8s.io/v1beta1");
  assert.equal(review.request.desiredAPIVersion, `${group}/v2`);
  assert.equal(review.request.objects[0].metadata.resourceVersion, undefined);
  assert.deepEqual(review.request.objects[0].spec, { hostPort: "h1:1", mode: "one" });
});

test("objects stored in several versions are one list in each of them", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", things("v1"), thing("v1", "a", { hostPort: "h1:1" }));
  const changed = await h.call("PATCH", definition, { spec: { versions: thingVersions("v2") } }, mergePatch);
  assert.deepEqual(changed.body.status.storedVersions, ["v1", "v2"]);
  // Objects stored in v2 have the defaults of v2 when they are read.
  await until("the new storage version", async () => {
    await h.call("DELETE", `${things("v1")}/b`);
    const made = await h.call("POST", things("v1"), thing("v1", "b", { hostPort: "h2:2" }));
    return made.status === 201 && hook.asked().some((each) => each.startsWith("v2<-v1:b"));
  });
  const specs = async (version: string) =>
    (await h.call("GET", things(version))).body.items.map((each: { apiVersion: string; spec: object }) => [
      each.apiVersion.split("/")[1],
      each.spec,
    ]);
  assert.deepEqual(await specs("v1"), [
    ["v1", { hostPort: "h1:1", mode: "one" }],
    ["v1", { hostPort: "h2:2", mode: "one" }],
  ]);
  assert.deepEqual(await specs("v2"), [
    ["v2", { host: "h1", port: "1", mode: "one" }],
    ["v2", { host: "h2", port: "2", mode: "one", extra: "two" }],
  ]);
});

test("a webhook that answers for single objects only is asked one by one", async (t) => {
  const hook = await conversionHook(t);
  hook.answer = (review) =>
    review.request.objects.length === 1 ? goodAnswer(review) : failing("one at a time")(review);
  const h = await withThings(t, hook);
  for (const name of ["a", "b", "c"])
    await h.call("POST", things("v1"), thing("v1", name, { hostPort: "h:1" }));
  assert.equal((await h.call("GET", things("v2"))).body.items.length, 3);
  assert.deepEqual(hook.asked(), ["v2<-v1:a,b,c", "v2<-v1:a", "v2<-v1:b", "v2<-v1:c"]);
});

test("a webhook that fails: 500 in its words, for that version alone; all is well when it is", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", things("v1"), thing("v1", "a", { hostPort: "h1:1" }));
  hook.answer = failing("no way");
  const words = `conversion webhook for ${group}/v1, Kind=Thing failed: no way`;
  for (const path of ["/a", "", "?labelSelector=x", "/a/scale", "?limit=5"]) {
    const answer = failure(await h.call("GET", `${things("v2")}${path}`), 500);
    assert.equal(answer.message, words, path);
    assert.equal(answer.reason, undefined);
  }
  failure(await h.call("GET", things("v2"), undefined, { accept: tableType }), 500);
  failure(await h.call("GET", `${things("v2")}/none`), 404);
  assert.equal((await h.call("GET", `${things("v1")}/a`)).status, 200);
  const refused = await h.call("GET", `${things("v2")}?watch=1`);
  assert.equal(
    failure(refused, 429).message,
    `storage is (re)initializing: failed to list ${group}/v2, Kind=Thing: ${words}`,
  );
  hook.answer = goodAnswer;
  assert.equal((await h.call("GET", `${things("v2")}/a`)).body.spec.host, "h1");
});

test("an unreachable webhook is named with what was posted where", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", things("v1"), thing("v1", "a", { hostPort: "h1:1" }));
  const conversion = { webhook: { clientConfig: { url: "https://127.0.0.1:1/x" } } };
  await h.call("PATCH", definition, { spec: { conversion } }, mergePatch);
  const asked = async () => (await h.call("GET", `${things("v2")}/a`)).body.message ?? "";
  await until("the new webhook", async () => (await asked()).includes("127.0.0.1:1/x"));
  assert.equal(
    await asked(),
    `conversion webhook for ${group}/v1, Kind=Thing failed: Post "https://127.0.0.1:1/x?timeout=30s": dial tcp 127.0.0.1:1: connect: connection refused`,
  );
  const service = { url: null, service: { name: "nope", namespace: "default", path: "/y" } };
  await h.call(
    "PATCH",
    definition,
    { spec: { conversion: { webhook: { clientConfig: service } } } },
    mergePatch,
  );
  await until("the Service", async () => (await asked()).includes("nope"));
  assert.equal(
    await asked(),
    `conversion webhook for ${group}/v1, Kind=Thing failed: Post "https://nope.default.svc:443/y?timeout=30s": service "nope" not found`,
  );
});

test("watches of two versions see the same changes in order, each in its own", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", things("v1"), thing("v1", "a", { hostPort: "h1:1" }));
  const begin = (await h.call("GET", things("v1"))).body.metadata.resourceVersion;
  const two = await h.watch(
    `${things("v2")}?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
  );
  const chosen = await h.watch(`${things("v2")}?watch=1&fieldSelector=spec.host%3Dh1`);
  const one = await h.watch(`${things("v1")}?watch=1`);
  await h.call("PATCH", `${things("v1")}/a`, { spec: { hostPort: "h2:2" } }, mergePatch);
  await h.call("POST", things("v2"), thing("v2", "b", { host: "h1", port: "3" }));
  await h.call("DELETE", `${things("v1")}/a`);
  const late = await h.watch(`${things("v2")}?watch=1&resourceVersion=${begin}`);
  const events = async (watch: typeof two, count: number) => {
    const seen: string[] = [];
    for (let i = 0; i < count; i++) {
      const { type, object } = (await watch.next()) ?? { type: "END", object: {} };
      const { host, port, hostPort } = object.spec ?? {};
      seen.push(`${type} ${object.metadata?.name ?? ""} ${hostPort ?? `${host}:${port}`}`);
    }
    return seen;
  };
  const changes = ["MODIFIED a h2:2", "ADDED b h1:3", "DELETED a h2:2"];
  assert.deepEqual(await events(two, 5), ["ADDED a h1:1", "BOOKMARK  undefined:undefined", ...changes]);
  assert.deepEqual(await events(one, 4), ["ADDED a h1:1", ...changes]);
  assert.deepEqual(await events(late, 3), changes);
  // An object that ceases to match is shown in its last matching state.
  assert.deepEqual(await events(chosen, 3), ["ADDED a h1:1", "DELETED a h1:1", "ADDED b h1:3"]);
  for (const watch of [two, one, late, chosen]) watch.close();
});

test("while the webhook fails, watches wait; then they see what they missed, bookmarks behind it", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", things("v1"), thing("v1", "a", { hostPort: "h1:1" }));
  const watch = await h.watch(`${things("v2")}?watch=1&allowWatchBookmarks=true`);
  assert.equal((await watch.next())?.type, "ADDED");
  assert.equal((await watch.next())?.type, "BOOKMARK");
  hook.answer = failing("no way");
  const changed = await h.call("PATCH", `${things("v1")}/a`, { spec: { hostPort: "h2:2" } }, mergePatch);
  await until("a review", async () => hook.reviews.length >= 2);
  await new Promise((resolve) => setImmediate(resolve));
  h.clock.advance(60_000);
  hook.answer = goodAnswer;
  let event = watch.next();
  for (let done = false; !done; ) {
    h.clock.advance(5000);
    done = await Promise.race([event.then(() => true), new Promise<boolean>((r) => setImmediate(r, false))]);
  }
  assert.equal((await event)?.object.spec.host, "h2");
  event = watch.next();
  h.clock.advance(60_000);
  const bookmark = await event;
  assert.equal(bookmark?.type, "BOOKMARK");
  assert.ok(
    Number(bookmark?.object.metadata.resourceVersion) >= Number(changed.body.metadata.resourceVersion),
  );
  watch.close();
});

test("a definition that changes ends the watches of its versions, and what was converted by the old webhook is forgotten", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", things("v1"), thing("v1", "a", { hostPort: "h1:1" }));
  const watches = [await h.watch(`${things("v1")}?watch=1`), await h.watch(`${things("v2")}?watch=1`)];
  for (const watch of watches) assert.equal((await watch.next())?.type, "ADDED");
  hook.asked();
  const other = await conversionHook(t);
  other.answer = (review) => {
    const answer = goodAnswer(review);
    for (const each of answer.response.convertedObjects) each.spec.host = "other";
    return answer;
  };
  const conversion = { webhook: { clientConfig: { url: other.url } } };
  await h.call("PATCH", definition, { spec: { conversion } }, mergePatch);
  for (const watch of watches) assert.equal(await watch.next(), undefined);
  assert.equal((await h.call("GET", `${things("v2")}/a`)).body.spec.host, "other");
  assert.deepEqual([hook.asked(), other.asked()], [[], ["v2<-v1:a"]]);
  await h.call(
    "PATCH",
    definition,
    { spec: { conversion: { strategy: "None", webhook: null } } },
    mergePatch,
  );
  await until("no conversion", async () => !(await h.call("GET", `${things("v2")}/a`)).body.spec.host);
  assert.deepEqual((await h.call("GET", `${things("v2")}/a`)).body.spec, { mode: "one" });
});

test("a definition goes though its webhook is gone: instances go in the version they are stored in", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", things("v1"), thing("v1", "a", { hostPort: "h1:1" }));
  hook.answer = failing("gone");
  const watch = await h.watch(`${things("v1")}?watch=1`);
  assert.equal((await watch.next())?.type, "ADDED");
  assert.equal((await h.call("DELETE", definition)).status, 200);
  await until("the end", async () => (await h.call("GET", definition)).status === 404);
  assert.equal((await watch.next())?.type, "DELETED");
  assert.equal(await watch.next(), undefined);
  assert.equal((await h.call("GET", crds)).body.items.length, 0);
});

test("numbers beyond 2^53 go through unharmed", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  const body = JSON.stringify(thing("v1", "a", { hostPort: "h:1", size: 0 })).replace(
    '"size":0',
    '"size":9007199254740993',
  );
  const made = await h.call("POST", things("v1"), body);
  assert.equal(made.status, 201, made.text);
  assert.match((await h.call("GET", `${things("v2")}/a`)).text, /"size":9007199254740993/);
  assert.equal(hook.reviews[0].request.objects[0].spec.size, 9007199254740993n);
});
