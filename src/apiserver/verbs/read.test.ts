import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { decodeContinue, encodeContinue } from "./continue-token.ts";
import { configMap, failure, type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
before(async () => {
  h = await startHarness();
  for (const name of ["one", "two"]) await h.call("POST", "/api/v1/namespaces", { metadata: { name } });
  for (let i = 0; i < 10; i++) {
    await h.call(
      "POST",
      "/api/v1/namespaces/one/configmaps",
      configMap(`m${i}`, {}, { parity: i % 2 ? "odd" : "even" }),
    );
  }
  await h.call("POST", "/api/v1/namespaces/two/configmaps", configMap("m0"));
});
after(() => h.close());

const all = "/api/v1/configmaps";
const one = "/api/v1/namespaces/one/configmaps";
const names = (body: { items: { metadata: { name: string } }[] }) =>
  body.items.map((item) => item.metadata.name);
const merge = { "content-type": "application/merge-patch+json" };

test("lists: order, namespaces, selectors, no kind in items", async () => {
  const { body } = await h.call("GET", all);
  assert.deepEqual([body.kind, body.apiVersion, body.items.length], ["ConfigMapList", "v1", 11]);
  assert.equal(body.items[0].kind, undefined);
  assert.equal(body.metadata.resourceVersion, String(h.store.revision));
  assert.deepEqual(names((await h.call("GET", `${one}?labelSelector=parity%3Dodd`)).body), [
    "m1",
    "m3",
    "m5",
    "m7",
    "m9",
  ]);
  assert.deepEqual(names((await h.call("GET", `${all}?fieldSelector=metadata.name%3Dm0`)).body), [
    "m0",
    "m0",
  ]);
  assert.deepEqual(
    names((await h.call("GET", `${one}?fieldSelector=metadata.name!%3Dm0&labelSelector=parity%3Deven`)).body)
      .length,
    4,
  );
  failure(await h.call("GET", `${one}?labelSelector=a%3D%3D%3Db`), 400);
  failure(await h.call("GET", `${one}?fieldSelector=data.x%3Db`), 400);
});

test("pages share one revision and count exactly", async () => {
  const first = (await h.call("GET", `${all}?limit=4`)).body;
  assert.deepEqual([first.items.length, first.metadata.remainingItemCount], [4, 7]);
  await h.call("POST", one, configMap("m35"));
  await h.call("DELETE", `${one}/m5`);
  await h.call("PATCH", `${one}/m6`, { data: { changed: "yes" } }, merge);
  const second = (await h.call("GET", `${all}?limit=4&continue=${first.metadata.continue}`)).body;
  assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
  assert.deepEqual([names(second), second.metadata.remainingItemCount], [["m4", "m5", "m6", "m7"], 3]);
  assert.equal(second.items[2].data?.changed, undefined);
  const third = (await h.call("GET", `${all}?limit=4&continue=${second.metadata.continue}`)).body;
  assert.deepEqual(
    [names(third), third.metadata.continue, third.metadata.remainingItemCount],
    [["m8", "m9", "m0"], undefined, undefined],
  );
  await h.call("DELETE", `${one}/m35`);
  await h.call("POST", one, configMap("m5", {}, { parity: "odd" }));
  const selected = (await h.call("GET", `${one}?limit=2&labelSelector=parity`)).body;
  assert.equal(selected.metadata.remainingItemCount, undefined);
  failure(await h.call("GET", `${one}?limit=2&continue=nonsense`), 400);
});

test("a continue token of a state that is not there yet is not answered as if it were", async () => {
  const { metadata } = (await h.call("GET", `${one}?limit=2`)).body;
  const later = encodeContinue({
    ...decodeContinue(metadata.continue),
    revision: metadata.resourceVersion * 2,
  });
  const answer = h.call("GET", `${one}?limit=2&continue=${later}`);
  let over = false;
  answer.finally(() => (over = true)).catch(() => undefined);
  while (!over) {
    h.clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(
    failure(await answer, 504).message ?? "",
    /^Timeout: Too large resource version: \d+, current: \d+$/,
  );
});

test("a continue token that compaction has overtaken gets 410 and a fresh token", async () => {
  const first = (await h.call("GET", `${one}?limit=3`)).body;
  await h.call("PATCH", `${one}/m0`, { data: { x: "1" } }, merge);
  h.clock.advance(5 * 60_000 + 1);
  await new Promise((resolve) => setImmediate(resolve));
  await h.call("PATCH", `${one}/m0`, { data: { x: "2" } }, merge);
  h.clock.advance(5 * 60_000 + 1);
  await new Promise((resolve) => setImmediate(resolve));
  const expired = failure(await h.call("GET", `${one}?limit=3&continue=${first.metadata.continue}`), 410);
  assert.equal(expired.reason, "Expired");
  const next = (await h.call("GET", `${one}?limit=3&continue=${expired.metadata.continue}`)).body;
  assert.deepEqual(names(next), ["m3", "m4", "m5"]);
  assert.notEqual(next.metadata.resourceVersion, first.metadata.resourceVersion);
});

test("resourceVersion and resourceVersionMatch", async () => {
  const then = h.store.revision;
  await h.call("PATCH", `${one}/m0`, { data: { x: String(then) } }, merge);
  const exact = (await h.call("GET", `${one}?resourceVersion=${then}&resourceVersionMatch=Exact`)).body;
  assert.equal(exact.metadata.resourceVersion, String(then));
  assert.notEqual(exact.items[0].data.x, String(then));
  const newer = (await h.call("GET", `${one}?resourceVersion=${then}&resourceVersionMatch=NotOlderThan`))
    .body;
  assert.equal(newer.items[0].data.x, String(then));
  const any = await h.call("GET", `${one}?resourceVersion=0`);
  assert.equal(any.status, 200);
  for (const bad of [
    "resourceVersionMatch=Exact",
    "resourceVersion=0&resourceVersionMatch=Exact",
    "resourceVersion=1&resourceVersionMatch=Sometimes",
    "sendInitialEvents=true",
  ]) {
    failure(await h.call("GET", `${one}?${bad}`), 422);
  }
  failure(await h.call("GET", `${one}?resourceVersion=abc`), 400);
  const future = h.call("GET", `${one}?resourceVersion=999999`);
  await new Promise((resolve) => setImmediate(resolve));
  h.clock.advance(3001);
  const tooLarge = failure(await future, 504);
  assert.match(tooLarge.message ?? "", /^Timeout: Too large resource version: 999999, current: \d+$/);
  assert.equal(tooLarge.details?.causes?.[0]?.reason, "ResourceVersionTooLarge");
});

test("tables, metadata only, YAML, pretty, and what is not acceptable", async () => {
  const accept = (value: string) => ({ accept: value });
  const table = (
    await h.call(
      "GET",
      one,
      undefined,
      accept("application/json;as=Table;v=v1;g=meta.k8s.io,application/json"),
    )
  ).body;
  assert.equal(table.kind, "Table");
  assert.equal(table.columnDefinitions[0].name, "Name");
  assert.equal(table.rows[0].cells[0], "m0");
  assert.equal(table.rows[0].object.kind, "PartialObjectMetadata");
  const partial = (
    await h.call(
      "GET",
      one,
      undefined,
      accept("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"),
    )
  ).body;
  assert.equal(partial.kind, "PartialObjectMetadataList");
  assert.equal(partial.items[0].data, undefined);
  const single = (
    await h.call(
      "GET",
      `${one}/m0`,
      undefined,
      accept("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"),
    )
  ).body;
  assert.deepEqual(Object.keys(single).sort(), ["apiVersion", "kind", "metadata"]);
  const yaml = await h.call("GET", `${one}/m1`, undefined, accept("application/yaml"));
  assert.match(yaml.text, /^apiVersion: v1\n/);
  assert.match((await h.call("GET", `${one}/m1?pretty=true`)).text, /\n {2}"kind": "ConfigMap"/);
  failure(await h.call("GET", one, undefined, accept("text/html")), 406);
  const preferred = await h.call(
    "GET",
    `${one}/m1`,
    undefined,
    accept("application/vnd.kubernetes.protobuf;q=0.5, application/json"),
  );
  assert.equal(preferred.headers["content-type"], "application/json");
});

test("what nobody serves", async () => {
  assert.equal(
    failure(await h.call("GET", "/api/v1/things"), 404).message,
    "the server could not find the requested resource",
  );
  assert.equal((await h.call("GET", "/apis/none.example.com/v1/things")).text, "404 page not found\n");
  failure(await h.call("GET", "/apis/apps/v9"), 404);
  failure(await h.call("HEAD", `${one}/m1`), 405);
  assert.equal((await h.call("GET", "/nowhere")).status, 404);
  failure(await h.call("POST", `${one}/m1`, configMap("m1")), 405);
  failure(await h.call("DELETE", "/api/v1/namespaces"), 405);
  failure(await h.call("GET", "/api/v1/namespaces/one/nodes"), 404);
  const broken = await h.call("GET", "/api/v1/namespaces/%E0%A4%A/configmaps");
  assert.deepEqual([broken.status, broken.text], [400, "400 Bad Request"]);
});

test("paths: escapes, places that are none, names that nothing can have", async () => {
  await h.call("POST", one, configMap("escaped"));
  assert.equal((await h.call("GET", `/api/v1/namespaces/%6Fne%2Fconfigmaps/escape%64`)).status, 200);
  const dots = failure(await h.call("GET", `${one}/%2e%2e`), 400);
  assert.equal(dots.message, `Name parameter invalid: "..": may not be '..'`);
  // Found by the lookup, after all other errors.
  const here = `${one}/%2e%2e`;
  failure(await h.call("POST", here, configMap("x")), 405);
  failure(await h.call("PATCH", here, {}, { "content-type": "application/json" }), 415);
  assert.match(
    failure(await h.call("PUT", here, configMap("x")), 400).message ?? "",
    /does not match the name on the URL/,
  );
  assert.match(failure(await h.call("GET", `${here}?export=1`), 400).message ?? "", /export parameter/);
  const pods = "/api/v1/namespaces/one/pods";
  const scale = "/apis/apps/v1/namespaces/one/deployments/none/scale";
  assert.match(failure(await h.call("GET", `${scale}?export=1`), 400).message ?? "", /export parameter/);
  failure(await h.call("GET", `${scale}?resourceVersion=x`), 500);
  assert.equal(failure(await h.call("GET", `${pods}/none/status//`), 404).details?.name, "none");
  failure(await h.call("PUT", `${one}/escaped`, undefined, { "content-type": "text/plain" }), 415);
  for (const path of [`${one}/a%2fb`, `${one}/a/status/b`, "/api/v1/namespaces/one//configmaps", `${all}/a`])
    assert.deepEqual(failure(await h.call("GET", path), 404).details, {}, path);
  failure(await h.call("GET", "/api/v1/namespaces/one/namespaces"), 404);
  // Reading all namespaces is possible, deleting is not.
  failure(await h.call("DELETE", all), 405);
  failure(await h.call("PUT", all, configMap("x")), 405);
});

test("watch by the old paths", async () => {
  await h.call("POST", one, configMap("old"));
  await h.call("POST", "/api/v1/namespaces", { metadata: { name: "watched" } });
  const first = async (path: string): Promise<string> => {
    const watch = await h.watch(path);
    const event = await watch.next();
    watch.close();
    return `${event?.type} ${event?.object.kind} ${event?.object.metadata.name}`;
  };
  const old = `/api/v1/watch/namespaces/one/configmaps`;
  assert.equal(await first(`${old}/old?resourceVersion=0`), "ADDED ConfigMap old");
  assert.equal(await first(`/api/v1/watch/namespaces/watched?resourceVersion=0`), "ADDED Namespace watched");
  failure(await h.call("POST", old, {}), 405);
  failure(await h.call("GET", "/api/v1/watch/configmaps/old"), 404);
  for (const other of [
    `${old}/a?fieldSelector=metadata.name%3Db`,
    `${old}/a?fieldSelector=metadata.name!%3Db`,
  ])
    assert.match(failure(await h.call("GET", other), 400).message ?? "", /doesn't match requested name/);
  const nothing = await h.call("GET", "/api/v1/watch");
  assert.equal(nothing.status, 500);
  assert.match(nothing.text, /^Internal Server Error: "\/api\/v1\/watch": failed to create RequestInfo: /);
});

test("watch: from a version, transitions of a selector, deletion", async () => {
  const from = h.store.revision;
  await h.call("POST", one, configMap("w1", {}, { seen: "yes" }));
  const selected = await h.watch(`${one}?watch=1&resourceVersion=${from}&labelSelector=seen%3Dyes`);
  const everything = await h.watch(`${all}?watch=1&resourceVersion=${from}`);
  await h.call("PATCH", `${one}/w1`, { data: { a: "1" } }, merge);
  await h.call("PATCH", `${one}/w1`, { metadata: { labels: { seen: "no" } } }, merge);
  const left = h.store.revision;
  await h.call("PATCH", `${one}/w1`, { metadata: { labels: { seen: "yes" } } }, merge);
  await h.call("DELETE", `${one}/w1`);
  const seen = [];
  for (let i = 0; i < 5; i++) seen.push(await selected.next());
  assert.deepEqual(
    seen.map((event) => event?.type),
    ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"],
  );
  // An object that ceases to match is shown in its last matching state, at the revision of the change.
  assert.deepEqual(
    [seen[2]?.object.metadata.labels.seen, seen[2]?.object.metadata.resourceVersion],
    ["yes", String(left)],
  );
  const types = [];
  for (let i = 0; i < 5; i++) types.push((await everything.next())?.type);
  assert.deepEqual(types, ["ADDED", "MODIFIED", "MODIFIED", "MODIFIED", "DELETED"]);
  selected.close();
  everything.close();
});

test("watch: initial state, watch-list, bookmarks, timeout, one name, too old", async () => {
  const unset = await h.watch(`${one}?watch=true&fieldSelector=metadata.name%3Dm1`);
  assert.deepEqual(await unset.next().then((event) => [event?.type, event?.object.metadata.name]), [
    "ADDED",
    "m1",
  ]);
  unset.close();
  const listed = await h.watch(
    `${one}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=parity%3Dodd`,
  );
  for (let i = 0; i < 5; i++) assert.equal((await listed.next())?.type, "ADDED");
  const mark = await listed.next();
  assert.equal(mark?.type, "BOOKMARK");
  assert.equal(mark?.object.metadata.annotations["k8s.io/initial-events-end"], "true");
  h.clock.advance(60_001);
  const bookmark = await listed.next();
  assert.deepEqual(
    [bookmark?.type, bookmark?.object.metadata.resourceVersion],
    ["BOOKMARK", String(h.store.revision)],
  );
  listed.close();
  const short = await h.watch(`${one}?watch=true&resourceVersion=${h.store.revision}&timeoutSeconds=2`);
  h.clock.advance(2001);
  assert.equal(await short.next(), undefined);
  // Go counts nanoseconds in 64 bits: negative results end at once, huge values do not.
  const timed = (seconds: string): ReturnType<Harness["watch"]> =>
    h.watch(`${one}?watch=true&resourceVersion=${h.store.revision}&timeoutSeconds=${seconds}`);
  for (const seconds of ["-1", "9223372036854775807", "9223372037"])
    assert.equal(await (await timed(seconds)).next(), undefined, seconds);
  const long = await timed("99999999999999");
  h.clock.advance(60_000);
  await h.call("POST", one, configMap("late"));
  assert.equal((await long.next())?.object.metadata.name, "late");
  long.close();
  const old = await h.watch(`${one}?watch=true&resourceVersion=1`);
  const error = await old.next();
  assert.deepEqual([error?.type, error?.object.code, error?.object.reason], ["ERROR", 410, "Expired"]);
  assert.equal(await old.next(), undefined);
  const ofOne = await h.watch(`/api/v1/watch/namespaces/one/configmaps/m2`);
  assert.equal((await ofOne.next())?.object.metadata.name, "m2");
  ofOne.close();
  failure(await h.call("GET", `${one}?watch=true&sendInitialEvents=true`), 422);
});
