import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, type Harness, startHarness } from "../testing/harness.ts";

const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const group = "/apis/stable.example.com";
const path = `${group}/v1/namespaces/default/tabs`;

const schema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      required: ["size"],
      properties: {
        size: { type: "integer", minimum: 1 },
        mode: { type: "string", enum: ["a", "b"], default: "a" },
        replicas: { type: "integer" },
        open: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      },
    },
    status: { type: "object", properties: { phase: { type: "string" }, replicas: { type: "integer" } } },
  },
};

const version = (name: string, more: object = {}) => ({
  name,
  served: true,
  storage: true,
  schema: { openAPIV3Schema: schema },
  subresources: {
    status: {},
    scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
  },
  selectableFields: [{ jsonPath: ".spec.mode" }],
  additionalPrinterColumns: [{ name: "Size", type: "integer", jsonPath: ".spec.size" }],
  ...more,
});

const crd = (versions: object[] = [version("v1")], more: object = {}) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "tabs.stable.example.com" },
  spec: {
    group: "stable.example.com",
    scope: "Namespaced",
    names: { plural: "tabs", kind: "Tab", shortNames: ["tb"] },
    versions,
    ...more,
  },
});

const tab = (name: string, spec: object, more: object = {}) => ({
  apiVersion: "stable.example.com/v1",
  kind: "Tab",
  metadata: { name },
  spec,
  ...more,
});

/** Asks until the answer has the status: what a definition serves follows it in a moment. */
async function until(h: Harness, status: number, url: string) {
  for (let i = 0; i < 200; i++) {
    const answer = await h.call("GET", url);
    if (answer.status === status) return answer;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`${url} did not answer ${status}`);
}

async function withTabs(body: object = crd()): Promise<Harness> {
  const h = await startHarness();
  const made = await h.call("POST", crds, body);
  assert.equal(made.status, 201, made.text);
  await until(h, 200, path);
  return h;
}

test("a definition is established, and its kind is served, found and explained", async () => {
  const h = await withTabs();
  const { body } = await h.call("GET", `${crds}/tabs.stable.example.com`);
  assert.deepEqual(
    body.status.conditions.map((each: { type: string; status: string; reason: string }) => [
      each.type,
      each.status,
      each.reason,
    ]),
    [
      ["NamesAccepted", "True", "NoConflicts"],
      ["Established", "True", "InitialNamesAccepted"],
    ],
  );
  assert.deepEqual(body.status.acceptedNames, {
    plural: "tabs",
    singular: "tab",
    kind: "Tab",
    listKind: "TabList",
    shortNames: ["tb"],
  });
  const found = (await h.call("GET", `${group}/v1`)).body.resources.map(
    (each: { name: string }) => each.name,
  );
  assert.deepEqual(found, ["tabs", "tabs/status", "tabs/scale"]);
  const openApi = (await h.call("GET", "/openapi/v3/apis/stable.example.com/v1")).body;
  assert.equal(
    openApi.components.schemas["com.example.stable.v1.Tab"].properties.spec.properties.mode.default,
    "a",
  );
  const older = (await h.call("GET", "/openapi/v2")).body.definitions["com.example.stable.v1.Tab"];
  assert.deepEqual(older.properties.spec.properties.open, { "x-kubernetes-preserve-unknown-fields": true });
  await h.close();
});

test("custom resources: defaults, pruning, validation, tables, selectors", async () => {
  const h = await withTabs();
  const made = await h.call(
    "POST",
    path,
    tab("a", { size: 1, nope: 1, open: { kept: 1 } }, { status: { phase: "x" } }),
  );
  assert.deepEqual(made.body.spec, { size: 1, mode: "a", open: { kept: 1 } });
  assert.equal(made.body.status, undefined);
  assert.match(made.headers.warning ?? "", /unknown field \\"spec.nope\\"/);
  const strict = failure(
    await h.call("POST", `${path}?fieldValidation=Strict`, tab("b", { size: 1, nope: 1 })),
    400,
  );
  assert.match(strict.message ?? "", /strict decoding error: unknown field "spec.nope"/);
  const wrong = failure(await h.call("POST", path, tab("b", { size: 0, mode: "z" })), 422);
  assert.deepEqual(wrong.details?.causes?.map(({ field }) => field).sort(), ["spec.mode", "spec.size"]);
  failure(await h.call("POST", path, tab("b", {})), 422);
  const list = (await h.call("GET", `${path}?fieldSelector=spec.mode%3Da`)).body;
  assert.equal(list.kind, "TabList");
  assert.equal(list.items[0].kind, "Tab", "items of custom lists say what they are");
  assert.equal((await h.call("GET", `${path}?fieldSelector=spec.mode%3Db`)).body.items.length, 0);
  const table = (
    await h.call("GET", path, undefined, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" })
  ).body;
  assert.deepEqual(table.rows[0].cells, ["a", 1]);
  failure(
    await h.call("PATCH", `${path}/a`, {}, { "content-type": "application/strategic-merge-patch+json" }),
    415,
  );
  await h.close();
});

test("status and scale are apart; only the spec counts generations", async () => {
  const h = await withTabs();
  await h.call("POST", path, tab("a", { size: 1, replicas: 2 }));
  const merge = { "content-type": "application/merge-patch+json" };
  const status = await h.call(
    "PATCH",
    `${path}/a/status`,
    { spec: { size: 9 }, status: { phase: "x" } },
    merge,
  );
  assert.deepEqual(
    [status.body.spec.size, status.body.status, status.body.metadata.generation],
    [1, { phase: "x" }, 1],
  );
  const scaled = await h.call("PATCH", `${path}/a/scale`, { spec: { replicas: 5 } }, merge);
  assert.equal(scaled.body.spec.replicas, 5);
  const { body } = await h.call("GET", `${path}/a`);
  assert.deepEqual([body.spec.replicas, body.metadata.generation], [5, 2]);
  await h.close();
});

test("what was stored before a default was there is shown with it; two versions show the same object", async () => {
  const plain = {
    ...schema,
    properties: { ...schema.properties, spec: { type: "object", properties: { size: { type: "integer" } } } },
  };
  const first = version("v1", { schema: { openAPIV3Schema: plain }, selectableFields: undefined });
  const h = await withTabs(crd([first]));
  await h.call("POST", path, tab("a", { size: 1 }));
  const merge = { "content-type": "application/merge-patch+json" };
  const versions = [version("v1", { storage: false }), version("v2")];
  const changed = await h.call("PATCH", `${crds}/tabs.stable.example.com`, { spec: { versions } }, merge);
  assert.deepEqual(changed.body.status.storedVersions, ["v1", "v2"]);
  await until(h, 200, `${group}/v2/namespaces/default/tabs/a`);
  const one = (await h.call("GET", `${path}/a`)).body;
  const two = (await h.call("GET", `${group}/v2/namespaces/default/tabs/a`)).body;
  assert.equal(one.spec.mode, "a");
  assert.deepEqual({ ...two, apiVersion: "" }, { ...one, apiVersion: "" });
  assert.deepEqual([one.apiVersion, two.apiVersion], ["stable.example.com/v1", "stable.example.com/v2"]);
  assert.equal((await h.call("GET", group)).body.preferredVersion.version, "v2");
  await h.close();
});

test("names are given to who came first, and again when they are free", async () => {
  const h = await withTabs();
  const other = crd([version("v1")], { names: { plural: "others", kind: "Tab" } });
  other.metadata.name = "others.stable.example.com";
  await h.call("POST", crds, other);
  const conditions = async () =>
    (await h.call("GET", `${crds}/others.stable.example.com`)).body.status.conditions as {
      type: string;
      status: string;
      reason: string;
      message: string;
    }[];
  for (let i = 0; i < 200 && !(await conditions()); i++)
    await new Promise((resolve) => setImmediate(resolve));
  const [names, established] = await conditions();
  assert.deepEqual(
    [names?.status, names?.reason, names?.message],
    ["False", "ListKindConflict", '"TabList" is already in use'],
  );
  assert.equal(established?.status, "False");
  await h.call("DELETE", `${crds}/tabs.stable.example.com`);
  await until(h, 200, `${group}/v1/namespaces/default/others`);
  await h.close();
});

test("a definition goes when its instances are gone", async () => {
  const h = await withTabs();
  await h.call("POST", path, tab("a", { size: 1 }));
  await h.call("POST", path, {
    ...tab("held", { size: 1 }),
    metadata: { name: "held", finalizers: ["example.com/hold"] },
  });
  const begun = await h.call("DELETE", `${crds}/tabs.stable.example.com`);
  assert.equal(begun.status, 200);
  await until(h, 404, `${path}/a`);
  failure(await h.call("POST", path, tab("late", { size: 1 })), 403);
  await h.call(
    "PATCH",
    `${path}/held`,
    { metadata: { finalizers: null } },
    { "content-type": "application/merge-patch+json" },
  );
  await until(h, 404, `${crds}/tabs.stable.example.com`);
  await until(h, 404, path);
  await h.close();
});

test("definitions are served again after a restart, before anybody is answered", async () => {
  const h = await withTabs();
  await h.call("POST", path, tab("a", { size: 1 }));
  await h.server.close();
  const again = await startHarness({ store: h.store });
  assert.equal((await again.call("GET", `${path}/a`)).status, 200);
  await again.close();
});

test("mistakes in a definition are all named", async () => {
  const h = await startHarness();
  const bad = crd(
    [
      {
        name: "v1",
        served: true,
        storage: false,
        schema: { openAPIV3Schema: { type: "object", properties: { a: {}, b: { type: "array" } } } },
      },
      { name: "v1", served: true, storage: false },
    ],
    { scope: "Everywhere", preserveUnknownFields: true },
  );
  bad.metadata.name = "x";
  const fields = failure(await h.call("POST", crds, bad), 422).details?.causes?.map(({ field }) => field);
  for (const field of [
    "metadata.name",
    "spec.scope",
    "spec.versions",
    "spec.versions[0].schema.openAPIV3Schema.properties[a].type",
    "spec.versions[0].schema.openAPIV3Schema.properties[b].items",
    "spec.versions[1].schema.openAPIV3Schema",
    "spec.preserveUnknownFields",
  ])
    assert.ok(fields?.includes(field), `${field} in ${fields?.join()}`);
  await h.close();
});

test("versions: deprecated ones are said to be, each prunes what it does not know", async () => {
  const open = {
    type: "object",
    properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
  };
  const versions = [
    version("v1"),
    version("v2", {
      storage: false,
      deprecated: true,
      schema: { openAPIV3Schema: open },
      selectableFields: undefined,
    }),
  ];
  const h = await withTabs(crd(versions));
  const made = await h.call("POST", `${group}/v2/namespaces/default/tabs`, {
    ...tab("a", { size: 1, more: true }),
    apiVersion: "stable.example.com/v2",
  });
  assert.equal(made.status, 201);
  assert.deepEqual(made.body.spec, { size: 1, mode: "a" }, "stored at v1: its defaults, what it knows");
  assert.match(made.headers.warning ?? "", /stable\.example\.com\/v2 Tab is deprecated/);
  await h.close();
});

test("embedded objects, formats and numbers of replicas are held to their rules", async () => {
  const spec = {
    type: "object",
    properties: {
      replicas: { type: "integer" },
      small: { type: "integer", format: "int32" },
      when: { type: "string", format: "date-time" },
      object: {
        type: "object",
        "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true,
      },
    },
  };
  const only = version("v1", {
    schema: {
      openAPIV3Schema: {
        type: "object",
        properties: { spec, status: { type: "object", properties: { replicas: { type: "integer" } } } },
      },
    },
    selectableFields: undefined,
  });
  const h = await withTabs(crd([only]));
  const wrong = failure(
    await h.call(
      "POST",
      path,
      tab("a", { replicas: -1, small: 3e9, when: "today", object: { apiVersion: "a/b/c", kind: "x_y" } }),
    ),
    422,
  );
  assert.deepEqual(
    wrong.details?.causes?.map(({ field, reason }) => `${field} ${reason}`),
    [
      "<nil> FieldValueInvalid",
      "spec.when FieldValueTypeInvalid",
      ".spec.replicas FieldValueInvalid",
      "spec.object.apiVersion FieldValueInvalid",
      "spec.object.kind FieldValueInvalid",
    ],
  );
  await h.close();
});

test("in the community's groups a condition says who approved", async () => {
  const approved = crd([version("v1")], { group: "tests.k8s.io" });
  approved.metadata = {
    name: "tabs.tests.k8s.io",
    annotations: { "api-approved.kubernetes.io": "unapproved, a test" },
  } as typeof approved.metadata;
  const h = await startHarness();
  assert.equal((await h.call("POST", crds, approved)).status, 201);
  await until(h, 200, "/apis/tests.k8s.io/v1/namespaces/default/tabs");
  const { body } = await h.call("GET", `${crds}/tabs.tests.k8s.io`);
  const found = body.status.conditions.map(
    (each: { type: string; reason: string }) => `${each.type} ${each.reason}`,
  );
  assert.deepEqual(found, [
    "KubernetesAPIApprovalPolicyConformant UnapprovedAnnotation",
    "NamesAccepted NoConflicts",
    "Established InitialNamesAccepted",
  ]);
  await h.close();
});

test("of repeated and of unknown fields of a custom resource, the repeated ones are told first", async () => {
  const h = await withTabs();
  const body =
    '{"apiVersion":"stable.example.com/v1","kind":"Tab","metadata":{"name":"a","odd":1},"spec":{"size":1,"size":2,"more":3}}';
  const { message } = failure(await h.call("POST", `${path}?fieldValidation=Strict`, body), 400);
  const texts = ['duplicate field "spec.size"', 'unknown field "metadata.odd"', 'unknown field "spec.more"'];
  assert.ok(message?.endsWith(`strict decoding error: ${texts.join(", ")}`), message);
  const { headers } = await h.call("POST", path, body);
  assert.deepEqual(
    [...String(headers["warning"]).matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
      text?.replaceAll('\\"', '"'),
    ),
    texts,
  );
  await h.close();
});

test("what a webhook converts is not served while nobody could trust the webhook", async () => {
  const converted = crd();
  const clientConfig = { url: "https://127.0.0.1:1/", caBundle: Buffer.from("none").toString("base64") };
  const webhook = { clientConfig, conversionReviewVersions: ["v1"] };
  Object.assign(converted.spec, { conversion: { strategy: "Webhook", webhook } });
  const h = await startHarness();
  assert.equal((await h.call("POST", crds, converted)).status, 201);
  const url = `${crds}/${converted.metadata.name}`;
  let found: Record<string, string> | undefined;
  for (let i = 0; i < 200 && !found; i++) {
    const { body } = await h.call("GET", url);
    found = body.status?.conditions?.find((each: { type: string }) => each.type === "Established");
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(
    [found?.["status"], found?.["reason"], found?.["message"]],
    ["False", "InvalidCABundle", "The conversion webhook CABundle is invalid"],
  );
  const mergePatch = { "content-type": "application/merge-patch+json" };
  const repaired = { spec: { conversion: { webhook: { clientConfig: { caBundle: null } } } } };
  assert.equal((await h.call("PATCH", url, repaired, mergePatch)).status, 200);
  await until(h, 200, path);
  await h.close();
});

test("another version's object is looked at before it is refused, and verbs of subresources are told by name", async () => {
  const h = await withTabs(crd());
  const other = { ...tab("a", { size: 1 }), apiVersion: "stable.example.com/v9" };
  const refused = await h.call("POST", path, other);
  assert.equal(
    failure(refused, 400).message,
    "the API version in the data (stable.example.com/v9) does not match the expected API version (stable.example.com/v1)",
  );
  assert.equal(refused.headers["warning"], '299 - "unknown field \\"spec\\""');
  const strict = failure(await h.call("POST", `${path}?fieldValidation=Strict`, other), 400);
  assert.match(strict.message ?? "", /strict decoding error: unknown field "spec"$/);
  const nothing = failure(await h.call("POST", path, "null", { "content-type": "application/json" }), 400);
  assert.match(nothing.message ?? "", /Object 'Kind' is missing in 'null' \(6e756c6c\)$/);
  const foreign = failure(await h.call("GET", path, undefined, { accept: "application/cbor" }), 406);
  assert.match(foreign.message ?? "", /^only the following media types are accepted: /);
  const verb = failure(await h.call("DELETE", `${path}/a/status`), 405);
  assert.equal(verb.message, 'delete is not supported on resources of kind "tabs.stable.example.com"');
  assert.deepEqual(verb.details, { group: "stable.example.com", kind: "tabs" });
  await h.close();
});

test("a patch cannot make something else of a custom resource", async () => {
  const h = await withTabs(crd());
  await h.call("POST", path, tab("a", { size: 1 }));
  const merge = { "content-type": "application/merge-patch+json" };
  const patched = async (body: unknown, headers = merge) =>
    failure(await h.call("PATCH", `${path}/a`, body, headers), 422);
  const { message, details } = await patched({ kind: "Other", apiVersion: "x/v1" });
  assert.equal(
    message,
    'Other.x "a" is invalid: [kind: Invalid value: "Other": must be Tab, apiVersion: Invalid value: "x/v1": must be stable.example.com/v1]',
  );
  assert.deepEqual([details?.group, details?.kind], ["x", "Other"]);
  const unversioned = failure(await h.call("PATCH", `${path}/a`, { apiVersion: null }, merge), 500);
  assert.match(
    unversioned.message ?? "",
    /Object 'apiVersion' is missing in 'object has no apiVersion field'$/,
  );
  const flat = await patched({ spec: 5 });
  assert.match(
    flat.message ?? "",
    /accessor error: 5 is of the type int64, expected map\[string\]interface\{\}/,
  );
  const nameless = await patched([{ op: "remove", path: "/kind" }], {
    "content-type": "application/json-patch+json",
  });
  assert.match(nameless.message ?? "", /Object 'Kind' is missing in '\{"apiVersion":.*"spec":\{.*\}'$/);
  await h.close();
});

test("a path beside a definition's scope is a plain page, and HEAD is as good as GET", async () => {
  const h = await withTabs(crd());
  await h.call("POST", path, tab("a", { size: 1 }));
  for (const [method, where] of [
    ["GET", "tabs/a"],
    ["POST", "tabs"],
    ["DELETE", "tabs"],
  ] as const) {
    const found = await h.call(
      method,
      `${group}/v1/${where}`,
      method === "POST" ? tab("b", { size: 1 }) : undefined,
    );
    assert.deepEqual([found.status, found.text], [404, "404 page not found\n"]);
  }
  assert.equal((await h.call("GET", `${group}/v1/tabs`)).status, 200);
  assert.equal((await h.call("HEAD", `${path}/a`)).status, 200);
  const options = failure(await h.call("OPTIONS", path), 405);
  assert.equal(options.message, ' is not supported on resources of kind "tabs.stable.example.com"');
  await h.close();
});

test("names are held to the schema's metadata, nulls in maps are dropped, numbers are whole", async () => {
  const only = version("v1", {
    schema: {
      openAPIV3Schema: {
        type: "object",
        properties: {
          metadata: { type: "object", properties: { name: { type: "string", maxLength: 3 } } },
          spec: {
            type: "object",
            properties: {
              size: { type: "integer" },
              map: { type: "object", additionalProperties: { type: "string" } },
            },
          },
        },
      },
    },
    subresources: undefined,
    selectableFields: undefined,
  });
  const h = await withTabs(crd([only]));
  const long = failure(await h.call("POST", path, tab("long", {})), 422);
  assert.equal(long.details?.causes?.[0]?.field, "metadata.name");
  const made = await h.call("POST", path, tab("a", { map: { a: null, b: "c" } }));
  assert.deepEqual(made.body.spec, { map: { b: "c" } });
  const part = failure(await h.call("POST", path, tab("b", { size: 1.5 })), 422);
  assert.deepEqual(
    part.details?.causes?.map(({ message }) => message),
    [
      'Invalid value: "number": spec.size in body must be of type integer: "number"',
      'Invalid value: "": Checked value must be of type integer (default format) in spec.size',
    ],
  );
  await h.close();
});
