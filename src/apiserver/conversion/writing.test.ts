import assert from "node:assert/strict";
import { test } from "node:test";
import {
  applyPatch,
  conversionHook,
  failing,
  goodAnswer,
  group,
  mergePatch,
  thing,
  things,
  withThings,
} from "../testing/conversion-webhook.ts";
import { failure, type Harness } from "../testing/harness.ts";

const storedText = async (h: Harness, name: string): Promise<string> => {
  const { items } = await h.store.range({
    from: `/registry/${group}/things/default/${name}`,
    to: `/registry/${group}/things/default/${name}\0`,
  });
  return Buffer.from(items[0]?.value ?? "").toString();
};

test("what is created in one version is stored in another: defaults and unknown fields of both count", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  const made = await h.call(
    "POST",
    `${things("v2")}?fieldManager=m`,
    thing("v2", "a", { host: "h", port: "1", junk: "x" }),
  );
  assert.equal(made.status, 201, made.text);
  assert.match(made.headers.warning ?? "", /unknown field \\"spec.junk\\"/);
  // The stored version's defaults are applied on reads; its unknown fields are lost.
  assert.deepEqual(made.body.spec, { host: "h", port: "1", mode: "one" });
  assert.equal(made.body.apiVersion, `${group}/v2`);
  const [entry] = made.body.metadata.managedFields;
  assert.equal(entry.apiVersion, `${group}/v2`);
  assert.deepEqual(entry.fieldsV1["f:spec"], { ".": {}, "f:host": {}, "f:port": {}, "f:extra": {} });
  const stored = JSON.parse(await storedText(h, "a"));
  assert.deepEqual([stored.apiVersion, stored.spec], [`${group}/v1`, { hostPort: "h:1" }]);
  assert.deepEqual(stored.metadata.managedFields, made.body.metadata.managedFields);
  assert.deepEqual(hook.asked(), ["v1<-v2:a", "v2<-v1:a"]);
});

test("a dry run asks the webhook and stores nothing", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  const dry = await h.call("POST", `${things("v2")}?dryRun=All`, thing("v2", "a", { host: "h", port: "1" }));
  assert.deepEqual(dry.body.spec, { host: "h", port: "1", mode: "one" });
  assert.deepEqual(hook.asked(), ["v1<-v2:a", "v2<-v1:a"]);
  assert.equal((await h.call("GET", `${things("v1")}/a`)).status, 404);
});

test("update, patch, status and scale through one version are seen in the other", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call(
    "POST",
    `${things("v1")}?fieldManager=one`,
    thing("v1", "a", { hostPort: "h1:1", replicas: 1 }),
  );
  const patched = await h.call(
    "PATCH",
    `${things("v2")}/a?fieldManager=two`,
    { spec: { host: "h2" } },
    mergePatch,
  );
  assert.deepEqual(patched.body.spec, { host: "h2", port: "1", replicas: 1, mode: "one" });
  assert.equal(patched.body.metadata.generation, 2);
  const owners = patched.body.metadata.managedFields.map(
    (each: { manager: string; apiVersion: string; fieldsV1: object }) => [
      each.manager,
      each.apiVersion.split("/")[1],
      Object.keys((each.fieldsV1 as { "f:spec": object })["f:spec"])
        .sort()
        .join(),
    ],
  );
  // The host is part of a field that the first manager set in its own version, and owns no more.
  assert.deepEqual(owners, [
    ["one", "v1", ".,f:mode,f:replicas"],
    ["two", "v2", "f:extra,f:host"],
  ]);
  const put = await h.call("PUT", `${things("v2")}/a`, {
    ...patched.body,
    spec: { ...patched.body.spec, port: "7" },
  });
  assert.equal(put.status, 200, put.text);
  assert.equal((await h.call("GET", `${things("v1")}/a`)).body.spec.hostPort, "h2:7");
  failure(await h.call("PUT", `${things("v2")}/a`, patched.body), 409);
  const status = await h.call("PATCH", `${things("v2")}/a/status`, { status: { phase: "p" } }, mergePatch);
  assert.equal(status.body.status.phase, "p");
  const scaled = await h.call("PATCH", `${things("v2")}/a/scale`, { spec: { replicas: 5 } }, mergePatch);
  assert.equal(scaled.body.spec.replicas, 5, scaled.text);
  const { body } = await h.call("GET", `${things("v1")}/a`);
  assert.deepEqual(
    [body.spec, body.status],
    [{ hostPort: "h2:7", replicas: 5, mode: "one" }, { phase: "p" }],
  );
});

test("apply: a configuration in one version goes on where one in another has ended", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  const apply = (version: string, spec: object, query = "fieldManager=ap") =>
    h.call("PATCH", `${things(version)}/a?${query}`, JSON.stringify(thing(version, "a", spec)), applyPatch);
  assert.equal((await apply("v2", { host: "h", port: "1", replicas: 3 })).status, 201);
  // With the default of the stored version written, too.
  const before = (await apply("v2", { host: "h", port: "1", replicas: 3 })).body;
  const again = await apply("v2", { host: "h", port: "1", replicas: 3 });
  assert.deepEqual(again.body, before, "the same again changes nothing");
  const second = await apply("v1", { hostPort: "h:2" });
  assert.equal(second.status, 200, second.text);
  // It gave up the replicas; its hostPort consists of host and port.
  assert.deepEqual(second.body.spec, { hostPort: "h:2", mode: "one" });
  const entries = second.body.metadata.managedFields.filter(
    (each: { operation: string }) => each.operation === "Apply",
  );
  assert.deepEqual(
    entries.map((each: { apiVersion: string; fieldsV1: object }) => [each.apiVersion, each.fieldsV1]),
    [[`${group}/v1`, { "f:spec": { "f:hostPort": {} } }]],
  );
  const refused = failure(await apply("v2", { host: "x" }, "fieldManager=other"), 409);
  assert.equal(refused.message, 'Apply failed with 1 conflict: conflict with "ap": .spec.hostPort');
});

test("deletion: finalizers hold the object, the answer is in the version that was asked", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  const held = thing("v2", "held", { host: "h", port: "1" }, { finalizers: ["example.com/hold"] });
  await h.call("POST", things("v2"), held);
  await h.call("POST", things("v2"), thing("v2", "free", { host: "h", port: "1" }));
  const answer = await h.call("DELETE", things("v2"));
  assert.deepEqual(
    answer.body.items.map((each: { apiVersion: string; kind: string; spec: { host: string } }) => [
      each.apiVersion,
      each.kind,
      each.spec.host,
    ]),
    [
      [`${group}/v2`, "Thing", "h"],
      [`${group}/v2`, "Thing", "h"],
    ],
  );
  const { body } = await h.call("GET", things("v1"));
  assert.deepEqual(
    body.items.map((each: { metadata: { name: string; deletionTimestamp?: string } }) => [
      each.metadata.name,
      each.metadata.deletionTimestamp !== undefined,
    ]),
    [["held", true]],
  );
  const released = await h.call(
    "PATCH",
    `${things("v2")}/held`,
    { metadata: { finalizers: null } },
    mergePatch,
  );
  assert.equal(released.body.apiVersion, `${group}/v2`);
  assert.equal(released.body.spec.host, "h");
  assert.equal((await h.call("GET", `${things("v1")}/held`)).status, 404);
});

test("a webhook that fails while something is written: 500, and nothing is written", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", things("v1"), thing("v1", "a", { hostPort: "h1:1", replicas: 1 }));
  await h.call("GET", `${things("v2")}/a`);
  const before = await storedText(h, "a");
  const revision = h.store.revision;
  hook.answer = failing("no way");
  const words = `conversion webhook for ${group}/v2, Kind=Thing failed: no way`;
  const body = thing("v2", "b", { host: "h", port: "1" });
  const writes: [string, string, unknown, Record<string, string>?][] = [
    ["POST", "", body],
    ["POST", "?dryRun=All", body],
    ["PATCH", "/a", { spec: { host: "q" } }, mergePatch],
    ["PATCH", "/a/status", { status: { phase: "q" } }, mergePatch],
    ["PATCH", "/a/scale", { spec: { replicas: 9 } }, mergePatch],
    ["PATCH", "/new?fieldManager=m", thing("v2", "new", { host: "h" }), applyPatch],
  ];
  for (const [method, path, sent, headers] of writes)
    assert.equal(
      failure(await h.call(method, `${things("v2")}${path}`, sent, headers), 500).message,
      words,
      `${method} ${path}`,
    );
  assert.equal(await storedText(h, "a"), before);
  assert.equal(h.store.revision, revision);
  hook.answer = goodAnswer;
  assert.equal((await h.call("PATCH", `${things("v2")}/a`, { spec: { host: "q" } }, mergePatch)).status, 200);
});

test("two writers through different versions lose nothing of each other", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", things("v1"), thing("v1", "a", { hostPort: "h1:1" }));
  const writes = Array.from({ length: 10 }, (_, i) =>
    h.call(
      "PATCH",
      `${things(i % 2 === 0 ? "v1" : "v2")}/a`,
      { metadata: { labels: { [`l${i}`]: "1" } }, spec: i % 2 === 0 ? { replicas: i } : { port: String(i) } },
      mergePatch,
    ),
  );
  for (const each of await Promise.all(writes)) assert.equal(each.status, 200, each.text);
  const { metadata, spec } = (await h.call("GET", `${things("v2")}/a`)).body;
  assert.equal(Object.keys(metadata.labels).length, 10);
  assert.deepEqual([spec.host, typeof spec.replicas], ["h1", "number"]);
});

test("what another version cannot show has no owners any more; an apply over it is refused", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", `${things("v1")}?fieldManager=one`, thing("v1", "a", { hostPort: "h1:1" }));
  hook.answer = (review) => {
    const answer = goodAnswer(review);
    for (const each of answer.response.convertedObjects) each.spec.foreign = "x";
    return answer;
  };
  const patched = await h.call(
    "PATCH",
    `${things("v2")}/a?fieldManager=two`,
    { spec: { host: "h2" } },
    mergePatch,
  );
  assert.equal(patched.status, 200, patched.text);
  assert.equal(patched.body.metadata.managedFields, undefined);
});

test("reviews are counted by how they went, and timed by definition and versions", async (t) => {
  const hook = await conversionHook(t);
  const h = await withThings(t, hook);
  await h.call("POST", things("v2"), thing("v2", "a", { host: "h", port: "1" }));
  const { text } = await h.call("GET", "/metrics");
  const lines = text.split("\n").filter((line) => /conversion_webhook.*(?:total|count)/.test(line));
  const between = (from: string, to: string) =>
    `apiserver_crd_conversion_webhook_duration_seconds_count{crd_name="things.${group}",from_version="${group}/${from}",succeeded="true",to_version="${group}/${to}"} 1`;
  assert.deepEqual(
    lines.filter((line) => !line.startsWith("#")),
    [
      'apiserver_conversion_webhook_duration_seconds_count{failure_type="",result="success"} 2',
      'apiserver_conversion_webhook_request_total{failure_type="",result="success"} 2',
      between("v1", "v2"),
      between("v2", "v1"),
    ],
  );
});
