/** CustomResourceDefinitions: what is served, and when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ObjectCaches } from "../cache/objects.ts";
import { failure, startHarness } from "../testing/harness.ts";
import { until } from "../../testing/index.ts";
import { answers, crd, crds, group, path, schema, tab, version, withTabs } from "../testing/tabs.ts";

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
  await answers(h, 200, `${group}/v2/namespaces/default/tabs/a`);
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
  interface Condition {
    status: string;
    reason: string;
    message: string;
  }
  const [names, established] = await until<Condition[]>(
    "its conditions",
    async () => (await h.call("GET", `${crds}/others.stable.example.com`)).body.status.conditions,
  );
  assert.deepEqual(
    [names?.status, names?.reason, names?.message],
    ["False", "ListKindConflict", '"TabList" is already in use'],
  );
  assert.equal(established?.status, "False");
  await h.call("DELETE", `${crds}/tabs.stable.example.com`);
  await answers(h, 200, `${group}/v1/namespaces/default/others`);
  await h.close();
});

test("a definition is served, and its group registered, without a look at all others", async (t) => {
  const h = await withTabs();
  const { objects } = h.server;
  assert.ok(objects instanceof ObjectCaches);
  const looks = t.mock.method(objects.of("apiextensions.k8s.io", "customresourcedefinitions"), "list");
  const other = crd([version("v1")], {
    group: "more.example.com",
    names: { plural: "others", kind: "Other" },
  });
  other.metadata.name = "others.more.example.com";
  await h.call("POST", crds, other);
  await answers(h, 200, "/apis/more.example.com/v1/others");
  await answers(h, 200, "/apis/apiregistration.k8s.io/v1/apiservices/v1.more.example.com");
  await h.call("DELETE", `${crds}/others.more.example.com`);
  await answers(h, 404, "/apis/more.example.com/v1/others");
  await answers(h, 404, "/apis/apiregistration.k8s.io/v1/apiservices/v1.more.example.com");
  assert.equal(looks.mock.callCount(), 0);
  await h.close();
});

test("a definition goes when its instances are gone", async () => {
  const h = await withTabs();
  await h.call("POST", path, tab("a", { size: 1 }));
  await h.call("POST", path, {
    ...tab("held", { size: 1 }),
    metadata: { name: "held", finalizers: ["example.com/hold"] },
  });
  const begun = await h.call("DELETE", `${crds}/tabs.stable.example.com?propagationPolicy=Foreground`);
  assert.equal(begun.status, 200);
  assert.deepEqual(begun.body.metadata.finalizers, ["customresourcecleanup.apiextensions.k8s.io"]);
  assert.deepEqual(
    begun.body.status.conditions.map(({ type, reason }: Record<string, string>) => `${type} ${reason}`),
    ["NamesAccepted NoConflicts", "Established InitialNamesAccepted", "Terminating InstanceDeletionPending"],
  );
  await answers(h, 404, `${path}/a`);
  failure(await h.call("POST", path, tab("late", { size: 1 })), 403);
  await h.call(
    "PATCH",
    `${path}/held`,
    { metadata: { finalizers: null } },
    { "content-type": "application/merge-patch+json" },
  );
  await answers(h, 404, `${crds}/tabs.stable.example.com`);
  await answers(h, 404, path);
  await h.close();
});

test("a definition goes although its status names a version that it has not", async () => {
  const h = await withTabs();
  const name = `${crds}/tabs.stable.example.com`;
  const merge = { "content-type": "application/merge-patch+json" };
  const odd = await h.call("PATCH", `${name}/status`, { status: { storedVersions: ["v9"] } }, merge);
  assert.deepEqual(odd.body.status.storedVersions, ["v9"]);
  const foreign = { preconditions: { uid: "another" } };
  const { message } = failure(await h.call("DELETE", name, foreign), 409);
  assert.match(message ?? "", /Precondition failed: UID in precondition: another, UID in object meta: /);
  await h.call("DELETE", name);
  await answers(h, 404, name);
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

test("in the community's groups a condition says who approved", async () => {
  const approved = crd([version("v1")], { group: "tests.k8s.io" });
  approved.metadata = {
    name: "tabs.tests.k8s.io",
    annotations: { "api-approved.kubernetes.io": "unapproved, a test" },
  } as typeof approved.metadata;
  const h = await startHarness();
  assert.equal((await h.call("POST", crds, approved)).status, 201);
  await answers(h, 200, "/apis/tests.k8s.io/v1/namespaces/default/tabs");
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

test("what a webhook converts is not served while nobody could trust the webhook", async () => {
  const converted = crd();
  const clientConfig = { url: "https://127.0.0.1:1/", caBundle: Buffer.from("none").toString("base64") };
  const webhook = { clientConfig, conversionReviewVersions: ["v1"] };
  Object.assign(converted.spec, { conversion: { strategy: "Webhook", webhook } });
  const h = await startHarness();
  assert.equal((await h.call("POST", crds, converted)).status, 201);
  const url = `${crds}/${converted.metadata.name}`;
  const found = await until<Record<string, string>>("its conditions", async () => {
    const { body } = await h.call("GET", url);
    return body.status?.conditions?.find((each: { type: string }) => each.type === "Established");
  });
  assert.deepEqual(
    [found["status"], found["reason"], found["message"]],
    ["False", "InvalidCABundle", "The conversion webhook CABundle is invalid"],
  );
  const mergePatch = { "content-type": "application/merge-patch+json" };
  const repaired = { spec: { conversion: { webhook: { clientConfig: { caBundle: null } } } } };
  assert.equal((await h.call("PATCH", url, repaired, mergePatch)).status, 200);
  await answers(h, 200, path);
  await h.close();
});
