import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../testing/index.ts";
import { failure, type Harness, startHarness } from "../testing/harness.ts";

const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const group = "versions.example.com";
const definition = `${crds}/things.${group}`;
const path = (version: string): string => `/apis/${group}/${version}/namespaces/default/things`;
const merge = { "content-type": "application/merge-patch+json" };
const apply = { "content-type": "application/apply-patch+yaml" };
const text = { type: "string" };

interface More {
  [member: string]: unknown;
  required?: string[];
}

const version = (name: string, storage: boolean, spec: object, { required, ...more }: More = {}): object => ({
  name,
  served: true,
  storage,
  schema: {
    openAPIV3Schema: {
      type: "object",
      properties: { spec: { type: "object", properties: spec, ...(required ? { required } : {}) } },
    },
  },
  ...more,
});

const thing = (apiVersion: string, name: string, spec: object): object => ({
  apiVersion: `${group}/${apiVersion}`,
  kind: "Thing",
  metadata: { name },
  spec,
});

async function withVersions(t: TestContext, versions: object[]): Promise<Harness> {
  const h = await startHarness();
  t.after(() => h.close());
  const made = await h.call("POST", crds, {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `things.${group}` },
    spec: { group, scope: "Namespaced", names: { plural: "things", kind: "Thing" }, versions },
  });
  assert.equal(made.status, 201, made.text);
  await until("v1", async () => (await h.call("GET", path("v1"))).status === 200);
  return h;
}

/** Replaces the versions, and waits until it shows. */
async function define(h: Harness, versions: object[], shows: () => Promise<boolean>): Promise<void> {
  const changed = await h.call("PATCH", definition, { spec: { versions } }, merge);
  assert.equal(changed.status, 200, changed.text);
  await until("the new versions", shows);
}

test("what a schema names no more is not shown, what it defaults since is shown and selected; a write stores that", async (t) => {
  const h = await withVersions(t, [version("v1", true, { a: text, b: text })]);
  await h.call("POST", path("v1"), thing("v1", "x", { a: "1", b: "2" }));
  const c = { ...text, default: "c" };
  const changed = version("v1", true, { a: text, c }, { selectableFields: [{ jsonPath: ".spec.c" }] });
  await define(h, [changed], async () => (await h.call("GET", `${path("v1")}/x`)).body.spec.c === "c");
  const { body } = await h.call("GET", `${path("v1")}/x`);
  assert.deepEqual(body.spec, { a: "1", c: "c" });
  assert.deepEqual((await h.call("GET", path("v1"))).body.items[0], body);
  assert.equal((await h.call("GET", `${path("v1")}?fieldSelector=spec.c%3Dc`)).body.items.length, 1);
  const watch = await h.watch(`${path("v1")}?watch=1&fieldSelector=spec.c%3Dc`);
  assert.deepEqual((await watch.next())?.object.spec, { a: "1", c: "c" });
  watch.close();
  // Defaults applied on reads are no change.
  const labeled = await h.call("PATCH", `${path("v1")}/x`, { metadata: { labels: { l: "1" } } }, merge);
  assert.equal(labeled.body.metadata.generation, 1);
  assert.deepEqual(labeled.body.spec, { a: "1", c: "c" });
});

test("a version holds objects to its own schema, also to what the stored version does not know", async (t) => {
  const h = await withVersions(t, [
    version("v1", true, { a: text }),
    version("v2", false, { a: text, extra: { ...text, minLength: 2 } }, { required: ["extra"] }),
  ]);
  await until("v2", async () => (await h.call("GET", path("v2"))).status === 200);
  failure(await h.call("POST", path("v2"), thing("v2", "x", { a: "1" })), 422);
  failure(await h.call("POST", path("v2"), thing("v2", "x", { a: "1", extra: "x" })), 422);
  const made = await h.call("POST", path("v2"), thing("v2", "x", { a: "1", extra: "yes" }));
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(made.body.spec, { a: "1" }, "stored without it, hence shown without it");
});

test("who owned something in a version that is not served any more still owns it", async (t) => {
  const h = await withVersions(t, [version("v1", true, { a: text, b: text })]);
  await h.call("POST", `${path("v1")}?fieldManager=old`, thing("v1", "x", { a: "1", b: "2" }));
  const versions = [
    version("v1", false, { a: text, b: text }, { served: false }),
    version("v2", true, { a: text, b: text }),
  ];
  await define(h, versions, async () => (await h.call("GET", path("v2"))).status === 200);
  const patched = await h.call("PATCH", `${path("v2")}/x?fieldManager=new`, { spec: { a: "9" } }, merge);
  assert.deepEqual(
    patched.body.metadata.managedFields.map(
      (each: { manager: string; apiVersion: string; fieldsV1: object }) => [
        each.manager,
        each.apiVersion,
        each.fieldsV1,
      ],
    ),
    [
      ["new", `${group}/v2`, { "f:spec": { "f:a": {} } }],
      ["old", `${group}/v1`, { "f:spec": { ".": {}, "f:b": {} } }],
    ],
  );
  const other = JSON.stringify(thing("v2", "x", { b: "5" }));
  const refused = failure(await h.call("PATCH", `${path("v2")}/x?fieldManager=third`, other, apply), 409);
  assert.equal(
    refused.message,
    `Apply failed with 1 conflict: conflict with "old" using ${group}/v1: .spec.b`,
  );
});

test("an object in a version that is defined no more cannot be read until it is defined again", async (t) => {
  const h = await withVersions(t, [version("v1", true, { a: text })]);
  await h.call("POST", path("v1"), thing("v1", "x", { a: "1" }));
  const both = [version("v1", false, { a: text }), version("v2", true, { a: text })];
  await define(h, both, async () => (await h.call("GET", path("v2"))).status === 200);
  await h.call("PATCH", `${definition}/status`, { status: { storedVersions: ["v2"] } }, merge);
  await define(h, both.slice(1), async () => (await h.call("GET", path("v1"))).status === 404);
  const words = `request to convert CR from an invalid group/version: ${group}/v1`;
  for (const [method, url, body] of [
    ["GET", `${path("v2")}/x`],
    ["GET", path("v2")],
    ["PATCH", `${path("v2")}/x`, { spec: { a: "2" } }],
    ["DELETE", `${path("v2")}/x`],
  ] as const)
    assert.equal(failure(await h.call(method, url, body, body ? merge : {}), 500).message, words, method);
  assert.match(
    failure(await h.call("GET", `${path("v2")}?watch=1`), 429).message ?? "",
    new RegExp(`${words}$`),
  );
  await define(h, both, async () => (await h.call("GET", path("v1"))).status === 200);
  assert.equal((await h.call("GET", `${path("v2")}/x`)).body.spec.a, "1");
});

test("the warning of a deprecated version names the newest that is none, also where nothing is there", async (t) => {
  const h = await withVersions(t, [
    version("v1", false, { a: text }, { deprecated: true }),
    version("v2", true, { a: text }),
    version("v3beta1", false, { a: text }),
    version("v3", false, { a: text }, { deprecated: true }),
  ]);
  await until("v3", async () => (await h.call("GET", path("v3"))).status === 200);
  const warning = async (url: string) => (await h.call("GET", url)).headers.warning;
  const old = `299 - "${group}/v1 Thing is deprecated; use ${group}/v2 Thing"`;
  assert.equal(await warning(path("v1")), old);
  assert.equal(await warning(`${path("v1")}/none/status`), old);
  assert.equal(await warning(path("v3")), `299 - "${group}/v3 Thing is deprecated"`);
  assert.equal(await warning(path("v3beta1")), undefined);
});

test("custom resources may be created below a name; what is replaced must be named", async (t) => {
  const h = await withVersions(t, [version("v1", true, { a: text })]);
  const made = await h.call("POST", `${path("v1")}/any`, thing("v1", "own", { a: "1" }));
  assert.deepEqual([made.status, made.body.metadata.name], [201, "own"]);
  assert.equal(
    failure(await h.call("PUT", path("v1"), thing("v1", "own", {})), 400).message,
    "name must be provided",
  );
});

test("apply: what was owned part by part and is one field since is owned, and given up, as a whole", async (t) => {
  const map = { type: "object", properties: { a: text, b: text } };
  const h = await withVersions(t, [version("v1", true, { map })]);
  const send = (manager: string, spec: object, query = "") => {
    const url = `${path("v1")}/x?fieldManager=${manager}${query}`;
    return h.call("PATCH", url, JSON.stringify(thing("v1", "x", spec)), apply);
  };
  await send("one", { map: { a: "1" } });
  await send("two", { map: { b: "2" } });
  const atomic = { ...map, "x-kubernetes-map-type": "atomic" };
  const generation = async () => (await h.call("GET", definition)).body.metadata.generation;
  const before = await generation();
  await define(h, [version("v1", true, { map: atomic })], async () => (await generation()) > before);
  const refused = failure(await send("one", { map: { a: "1" } }), 409);
  assert.equal(refused.message, 'Apply failed with 1 conflict: conflict with "two": .spec.map');
  const owners = (body: { metadata: { managedFields: { manager: string; fieldsV1: object }[] } }) =>
    body.metadata.managedFields.map(({ manager, fieldsV1 }) => [manager, fieldsV1]);
  const whole = { "f:spec": { "f:map": {} } };
  const agreed = await send("one", { map: { a: "1", b: "2" } });
  assert.deepEqual(owners(agreed.body), [
    ["one", whole],
    ["two", whole],
  ]);
  const forced = await send("one", { map: { a: "1" } }, "&force=true");
  assert.deepEqual([forced.body.spec, owners(forced.body)], [{ map: { a: "1" } }, [["one", whole]]]);
  // Any write records the change.
  await define(h, [version("v1", true, { map })], async () => (await generation()) > before + 1);
  const parts = await send("two", { map: { b: "2" } });
  assert.deepEqual(owners(parts.body).at(-1), ["two", { "f:spec": { "f:map": { "f:b": {} } } }]);
});

test("apply: nulls are judged, also seen through another version; a default takes the place of one", async (t) => {
  const spec = { n: { type: "number" }, d: { ...text, default: "x" }, nul: { ...text, nullable: true } };
  const h = await withVersions(t, [version("v1", true, spec), version("v2", false, spec)]);
  const send = (by: string, manager: string, given: object) =>
    h.call("PATCH", `${path(by)}/x?fieldManager=${manager}`, JSON.stringify(thing(by, "x", given)), apply);
  const made = await send("v1", "one", { n: 1, d: null, nul: null });
  assert.deepEqual(made.body.spec, { n: 1, d: "x", nul: null });
  const refused = failure(await send("v1", "one", { n: null }), 422);
  const why = 'spec.n: Invalid value: "null": spec.n in body must be of type number: "null"';
  assert.equal(refused.message, `Thing.${group} "x" is invalid: ${why}`);
  const conflict = failure(await send("v2", "two", { n: null }), 409);
  assert.equal(conflict.message, 'Apply failed with 1 conflict: conflict with "one": .spec.n');
});

test("apply: what a version that owns fields does not declare is refused, with every such field", async (t) => {
  const item = (fields: object): object => ({ type: "object", properties: fields });
  const spec = (fields: object): object => ({
    list: { type: "array", items: item(fields) },
    one: item(fields),
  });
  const withPolicy = { key: text, policy: { ...text, default: "Ignore" } };
  const h = await withVersions(t, [version("v1", true, spec({ key: text }))]);
  const applied = (at: string, more: object, name = "x") =>
    h.call(
      "PATCH",
      `${path(at)}/${name}?fieldManager=me&force=true`,
      JSON.stringify(thing(at, name, more)),
      apply,
    );
  const list = [{ key: "bar" }];
  await applied("v1", { list });
  await applied("v1", { list, one: { key: "1" } }, "y");
  const versions = (fields: object): object[] => [
    version("v1", false, spec({ key: text }), { served: false }),
    version("v2", true, spec(fields)),
  ];
  await define(
    h,
    versions({ key: text, policy: text }),
    async () => (await h.call("GET", path("v2"))).status === 200,
  );
  const refusal = async (more: object, name = "x") => failure(await applied("v2", more, name), 500).message;
  const inList = ".spec.list[0].policy: field not declared in schema";
  assert.equal(
    await refusal({ list: [{ key: "bar", policy: "p" }] }),
    `failed to prune fields: failed to convert merged object to last applied version: ${inList}`,
  );
  for (const name of ["x", "y"])
    await h.call("PATCH", `${path("v2")}/${name}`, { metadata: { labels: { stored: "anew" } } }, merge);
  const shown = async () => (await h.call("GET", `${path("v2")}/x`)).body.spec.list[0].policy;
  await define(h, versions(withPolicy), async () => (await shown()) === "Ignore");
  assert.equal(await refusal({ list }), inList, "what is there already");
  const inOne = ".spec.one.policy: field not declared in schema";
  assert.equal(await refusal({}, "y"), `errors:\n  ${inList}\n  ${inOne}`);
});

test("apply: an object without properties takes anything; what is not kept is owned, and dropped without a word", async (t) => {
  const open = { type: "object" };
  const spec = {
    one: open,
    list: { type: "array", items: open },
    whole: { ...open, "x-kubernetes-map-type": "atomic" },
  };
  const h = await withVersions(t, [version("v1", true, spec)]);
  const given = { one: { a: { b: 1 } }, list: [{ a: 1 }], whole: { a: 1 } };
  const url = `${path("v1")}/x?fieldManager=me&fieldValidation=Strict`;
  const made = await h.call("PATCH", url, JSON.stringify(thing("v1", "x", given)), apply);
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(made.body.spec, { one: {}, list: [{}], whole: {} });
  assert.equal(made.headers["warning"], undefined);
  assert.deepEqual(made.body.metadata.managedFields[0].fieldsV1, {
    "f:spec": { "f:list": {}, "f:one": { "f:a": { ".": {}, "f:b": {} } }, "f:whole": {} },
  });
});

test("apply: what is below something open may hold anything; a text with a format may be any scalar until it is judged", async (t) => {
  const inner = { type: "object", properties: { a: text } };
  const spec = {
    open: {
      type: "object",
      "x-kubernetes-preserve-unknown-fields": true,
      properties: { one: inner, list: { type: "array", items: inner } },
    },
    closed: inner,
    time: { ...text, format: "date-time" },
    keyed: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["a"],
      items: { ...inner, required: ["a"] },
    },
  };
  const h = await withVersions(t, [version("v1", true, spec)]);
  const applied = (more: object) =>
    h.call("PATCH", `${path("v1")}/x?fieldManager=me`, JSON.stringify(thing("v1", "x", more)), apply);
  const made = await applied({ open: { one: { b: 1 }, list: [{ c: 1 }] } });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(made.body.spec, { open: { one: {}, list: [{}] } });
  const refusal = async (more: object, code: number) => failure(await applied(more), code).message ?? "";
  assert.match(
    await refusal({ closed: { b: 1 } }, 500),
    /: \.spec\.closed\.b: field not declared in schema$/,
  );
  assert.match(await refusal({ time: 5 }, 422), /spec\.time in body must be of type/);
  const keyed = [{ a: "1" }, { a: "1", b: 1 }, "x", { a: "1" }];
  assert.match(
    await refusal({ keyed }, 500),
    new RegExp(
      [
        ": errors:",
        '  \\.spec\\.keyed: duplicate entries for key \\[a="1"\\]',
        "  \\.spec\\.keyed: element 2: associative list with keys may not have non-map elements",
        '  \\.spec\\.keyed\\[a="1"\\]\\.b: field not declared in schema$',
      ].join("\\n"),
    ),
  );
});
