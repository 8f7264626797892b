/** Validation of requests for custom resources. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failure } from "../testing/harness.ts";
import { crd, group, path, tab, version, withTabs } from "../testing/tabs.ts";

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
  // Members are read, and shown, in alphabetical order, with those that are not known.
  const metadata = { zeta: 1, labels: { b: 1, a: "x" }, annotations: 3 };
  const odd = await h.call("POST", path, tab("a", { object: { apiVersion: "v1", kind: "X", metadata } }));
  assert.equal(
    failure(odd, 400).message,
    'Tab in version "v1" cannot be handled as a Tab: spec.object.metadata: Invalid value: ' +
      '{"annotations":3,"labels":{"a":"x","b":1},"zeta":1}: ' +
      "json: cannot unmarshal number into Go struct field ObjectMeta.annotations of type map[string]string",
  );
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

test("values that are of no kind their type has: refused where they are applied, or nobody owns the object's fields", async () => {
  const free = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const text = { type: "string", default: "d" };
  const spec = {
    type: "object",
    properties: {
      free,
      either: { "x-kubernetes-int-or-string": true },
      list: { type: "array", items: text },
      map: { type: "object", additionalProperties: text },
    },
  };
  const status = { type: "object", properties: { phase: { type: "string" } } };
  const properties = { spec, status };
  const only = version("v1", {
    schema: { openAPIV3Schema: { type: "object", properties } },
    ...{ subresources: { status: {} }, selectableFields: [], additionalPrinterColumns: [] },
  });
  const h = await withTabs(crd([only]));
  const apply = (wanted: object) =>
    h.call("PATCH", `${path}/a?fieldManager=m`, tab("a", wanted), {
      "content-type": "application/apply-patch+yaml",
    });
  assert.match(
    failure(await apply({ free: "x" }), 500).message ?? "",
    /: \.spec\.free: expected map, got &\{x\}$/,
  );
  assert.match(
    failure(await apply({ either: {} }), 422).message ?? "",
    /spec\.either: Invalid value: "object"/,
  );
  const nulls = await apply({ list: [null, "x"], map: { a: null } });
  assert.deepEqual(nulls.body.spec, { list: ["d", "x"], map: { a: "d" } });
  const merge = (body: object) =>
    h.call("PATCH", `${path}/a`, body, { "content-type": "application/merge-patch+json" });
  assert.equal(
    (await merge({ spec: { free: {} }, status: { phase: "x" } })).body.metadata.managedFields.length,
    2,
  );
  const misfit = await merge({ status: "x" });
  assert.equal(misfit.status, 200);
  assert.equal(misfit.body.status, undefined);
  assert.equal(misfit.body.metadata.managedFields, undefined);
  await h.close();
});
