import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answered, configMap, failure, type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
const maps = "/api/v1/namespaces/default/configmaps";

before(async () => {
  h = await startHarness();
  await h.call("POST", maps, { ...configMap("map"), data: { z: "1", a: "2" }, binaryData: { b: "AQI=" } });
});
after(() => h.close());

type PatchType = "json" | "merge" | "strategic-merge";
const send = (type: PatchType, body: unknown, query = "", name = "map"): Promise<Answered> =>
  h.call("PATCH", `${maps}/${name}?dryRun=All${query}`, body, {
    "content-type": `application/${type}-patch+json`,
  });
const says = async (code: number, ...[type, body, query, name]: Parameters<typeof send>): Promise<string> =>
  failure(await send(type, body, query, name), code).message ?? "";

test("a patch is read when there is something to patch, and otherwise nobody hears of its mistakes", async () => {
  const absent = 'configmaps "none" not found';
  assert.equal(await says(404, "json", "{", "", "none"), absent);
  assert.equal(await says(404, "merge", "[]", "", "none"), absent);
  assert.equal(await says(404, "strategic-merge", "5", "", "none"), absent);
  const wrong = await h.call("PATCH", `${maps}/none`, "{}", {
    "content-type": "Application/Merge-Patch+json",
  });
  assert.equal(failure(wrong, 415).message, "415: Unsupported Media Type");
});

test("null is a patch of no operations, but no merge patch", async () => {
  assert.equal((await send("json", "null")).status, 200);
  assert.equal((await send("strategic-merge", "null")).status, 200);
  assert.equal(await says(400, "merge", "null"), "Invalid JSON Patch");
});

test("who asks for no validation has the patch read by another decoder", async () => {
  const lenient = "&fieldValidation=Ignore";
  const into = (what: string, type: string): string =>
    `json: cannot unmarshal ${what} into Go value of type ${type}`;
  assert.equal(
    await says(400, "json", "{}"),
    `error decoding patch: ${into("object", "[]handlers.jsonPatchOp")}`,
  );
  assert.equal(await says(400, "json", "{}", lenient), into("object", "jsonpatch.Patch"));
  assert.equal(await says(400, "json", "[5]", lenient), into("number", "jsonpatch.Operation"));
  assert.match(await says(400, "json", '[{"op":5}]'), /jsonPatchOp\.op of type string/);
  assert.match(await says(422, "json", '[{"op":5}]', lenient), /due to an error in our request/);
  assert.equal(await says(400, "merge", "{", lenient), "Invalid JSON Patch");
  assert.match(
    await says(422, "merge", "[5]", lenient),
    /Invalid value: "\[5\]": couldn't get version\/kind/,
  );
});

test("what a patch makes is shown as the original writes it: sorted where the patch went, else in the order of the struct", async () => {
  const text = await says(422, "json", [
    { op: "replace", path: "/metadata/labels", value: { z: 1, a: "x" } },
    { op: "add", path: "/binaryData/c", value: "AA==" },
  ]);
  const shown = JSON.parse(/Invalid value: ("(?:[^"\\]|\\.)*")/.exec(text)?.[1] ?? "") as string;
  const object = JSON.parse(shown) as Record<string, Record<string, unknown>>;
  assert.deepEqual(Object.keys(object), ["apiVersion", "binaryData", "data", "kind", "metadata"]);
  assert.deepEqual(Object.keys(object["metadata"] ?? {}), [
    ...["creationTimestamp", "labels", "managedFields", "name", "namespace", "resourceVersion", "uid"],
  ]);
  assert.deepEqual(Object.keys(object["metadata"]?.["labels"] ?? {}), ["z", "a"], "as it was sent");
  assert.deepEqual(Object.keys(object["data"] ?? {}), ["a", "z"], "a map");
  assert.match(
    text,
    /cannot unmarshal number into Go struct field ObjectMeta\.metadata\.labels of type string$/,
  );
});

test("of several mistakes the first in that order is told", async () => {
  const both = { metadata: { labels: { a: {} } }, binaryData: { b: "?" } };
  assert.match(await says(422, "merge", both), /illegal base64 data at input byte 0$/);
  const unknown = { zz: 1, aa: 1 };
  assert.match(
    await says(422, "merge", unknown, "&fieldValidation=Strict"),
    /unknown field "aa", unknown field "zz"$/,
  );
});

test("a patch may not make another kind of it", async () => {
  const ends = async (body: object, end: string): Promise<void> => {
    const text = await says(422, "merge", body);
    assert.ok(text.endsWith(`: ${end}`), text);
  };
  await ends(
    { apiVersion: "v2" },
    'no kind "ConfigMap" is registered for version "v2" in scheme "pkg/runtime/scheme.go:111"',
  );
  await ends({ apiVersion: "a/b/c" }, "unexpected GroupVersion string: a/b/c");
  await ends(
    { apiVersion: "apps/v1", kind: "Deployment" },
    "converting (v1.Deployment) to (core.ConfigMap): unknown conversion",
  );
  await ends(
    { kind: 5 },
    "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string",
  );
  assert.equal((await send("merge", { kind: null })).status, 200, "the version says enough");
});

test("without a version nothing is known of an object but its metadata, at the top", async () => {
  const lost = "the name of the object (map based on URL) was undeterminable: name must be provided";
  assert.equal(await says(400, "merge", { apiVersion: null }), lost);
  const named = await send("merge", { apiVersion: "", name: "map", namespace: "default" });
  assert.equal(named.status, 200);
  assert.equal(named.body.data, undefined);
});

test("numbers stay what they were written as", async () => {
  const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  await h.call("POST", leases, { metadata: { name: "l" }, spec: { leaseDurationSeconds: 1 } });
  const patched = (type: PatchType, body: string): Promise<Answered> =>
    h.call("PATCH", `${leases}/l?dryRun=All`, body, { "content-type": `application/${type}-patch+json` });
  const seconds = (value: string): string => `{"spec":{"leaseDurationSeconds":${value}}}`;
  for (const [type, body] of [
    ["merge", seconds("2.0")],
    ["json", '[{"op":"replace","path":"/spec/leaseDurationSeconds","value":2.0}]'],
  ] as const)
    assert.match(
      failure(await patched(type, body), 422).message ?? "",
      /cannot unmarshal number 2\.0 into .* of type int32$/,
    );
  assert.equal((await patched("strategic-merge", seconds("2.0"))).body.spec.leaseDurationSeconds, 2);
  const wrapped = await patched("strategic-merge", seconds("4294967299"));
  assert.equal(wrapped.body.spec.leaseDurationSeconds, 3, "the upper bits are lost");
  const text = await says(422, "strategic-merge", '{"data":{"k":1000000.0}}');
  assert.match(text, /"map\[data:map\[k:1e\+06\]\]": unrecognized type: string$/);
});

test("bytes may come as a list of numbers", async () => {
  for (const type of ["merge", "strategic-merge"] as const)
    assert.equal((await send(type, { binaryData: { b: [1, 255, null] } })).body.binaryData.b, "Af8A");
  assert.match(
    await says(422, "merge", { binaryData: { b: [256] } }),
    /number 256 into .*binaryData of type uint8$/,
  );
});

test("what is deeper than anything goes where nobody keeps it, also in a patch and in YAML", async () => {
  const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  const merge = (levels: number): string => `{"zz":${deep(levels)}}`;
  assert.equal((await send("merge", merge(5000))).status, 200);
  assert.equal((await send("strategic-merge", merge(5000))).status, 200);
  assert.equal((await send("json", `[{"op":"add","path":"/zz","value":${deep(5000)}}]`)).status, 200);
  assert.match(await says(400, "merge", merge(10_001)), /exceeded max depth$/);
  const yaml = { "content-type": "application/yaml" };
  const body = (levels: number): string => `{"metadata":{"name":"deep"},"zz":${deep(levels)}}`;
  assert.equal((await h.call("POST", `${maps}?dryRun=All`, body(5000), yaml)).status, 201);
  const refused = failure(await h.call("POST", `${maps}?dryRun=All`, body(10_001), yaml), 400);
  assert.match(refused.message ?? "", /yaml: exceeded max depth of 10000 /);
});

test("a number that no float64 can hold is refused in a patch, as Go's decoder does", async () => {
  await h.call("POST", maps, configMap("huge"));
  const text = "cannot unmarshal number 1e999 into Go";
  for (const [type, body, message] of [
    ["merge-patch", '{"zzz":{"a":[1e999]}}', `error decoding patch: json: ${text} value of type float64`],
    ["strategic-merge-patch", '{"zzz":{"a":[1e999]}}', `json: ${text} value of type float64`],
    [
      "json-patch",
      '[{"op":"add","path":"/zzz","value":{"a":[1e999]}}]',
      `error decoding patch: json: ${text} struct field jsonPatchOp.value of type float64`,
    ],
  ] as const) {
    const answer = await h.call("PATCH", `${maps}/huge`, body, {
      "content-type": `application/${type}+json`,
    });
    assert.deepEqual([answer.status, answer.body.message], [400, message]);
  }
  const beside = '[{"op":"test","path":"/metadata/name","value":"huge","zz":1e999}]';
  const passed = await h.call("PATCH", `${maps}/huge`, beside, {
    "content-type": "application/json-patch+json",
  });
  assert.equal(passed.status, 200);
});
