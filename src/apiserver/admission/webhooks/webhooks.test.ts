import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../../testing/index.ts";
import { configMap, failure, pod } from "../../testing/harness.ts";
import { configure, group, hook, maps, patchOf, serve, webhookServer } from "../../testing/webhooks.ts";

test("a validating webhook refuses with its own words, code and warnings; nothing is stored", async (t) => {
  const hooks = await webhookServer(t, (request) =>
    request.object.data?.bad
      ? {
          allowed: false,
          status: { message: "too bad", code: 403, reason: "Forbidden" },
          warnings: ["careful"],
        }
      : { allowed: true, warnings: ["hm"] },
  );
  const h = await serve(t);
  await configure(h, "Validating", "v", [hook("v", hooks.url)]);
  const refused = await h.call("POST", maps, configMap("a", { bad: "1" }));
  const status = failure(refused, 403);
  assert.equal(status.message, 'admission webhook "v.example.com" denied the request: too bad');
  assert.equal(status.reason, "Forbidden");
  assert.match(refused.headers.warning ?? "", /careful/);
  failure(await h.call("GET", `${maps}/a`), 404);
  const allowed = await h.call("POST", maps, configMap("b", { ok: "1" }));
  assert.equal(allowed.status, 201);
  assert.match(allowed.headers.warning ?? "", /hm/);
  const [, request] = hooks.seen;
  assert.deepEqual(request.resource, { group: "", version: "v1", resource: "configmaps" });
  assert.equal(request.object.kind, "ConfigMap");
  assert.equal(request.operation, "CREATE");
  assert.equal(request.userInfo.username, "admin");
  assert.equal(request.options.kind, "CreateOptions");
});

test("mutating webhooks run in order, each sees what the others did; the object is defaulted again", async (t) => {
  const hooks = await webhookServer(t, (request, path) => {
    if (path === "/one") return patchOf([{ op: "add", path: "/metadata/labels", value: { one: "1" } }]);
    const container = { name: "injected", image: "i" };
    return request.object.metadata.labels?.one
      ? patchOf([{ op: "add", path: "/spec/initContainers", value: [container] }])
      : { allowed: false };
  });
  const h = await serve(t, { admission: true, plugins: { disable: ["ServiceAccount"] } });
  const rules = [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }];
  await configure(h, "Mutating", "a", [
    hook("one", `${hooks.url}/one`, { rules }),
    hook("two", `${hooks.url}/two`, { rules }),
  ]);
  const { status, body, text } = await h.call("POST", "/api/v1/namespaces/default/pods", pod("p"));
  assert.equal(status, 201, text);
  assert.deepEqual(body.metadata.labels, { one: "1" });
  assert.equal(body.spec.initContainers[0].terminationMessagePolicy, "File");
  assert.equal((await h.call("GET", "/api/v1/namespaces/default/pods/p")).body.spec.initContainers.length, 1);
});

test("who asked for it is called again when another webhook changed the object after it", async (t) => {
  const hooks = await webhookServer(t, (_request, path) =>
    path === "/late"
      ? patchOf([{ op: "add", path: "/metadata/labels", value: { late: "1" } }])
      : { allowed: true },
  );
  const h = await serve(t);
  await configure(h, "Mutating", "a", [
    hook("early", `${hooks.url}/early`, { reinvocationPolicy: "IfNeeded" }),
    hook("once", `${hooks.url}/once`),
    hook("late", `${hooks.url}/late`),
  ]);
  await h.call("POST", maps, configMap("a"));
  assert.deepEqual(
    hooks.seen.map(({ path }) => path),
    ["/early", "/once", "/late", "/early"],
  );
});

test("updates, deletions, selectors and matchPolicy", async (t) => {
  const hooks = await webhookServer(t, (request) => ({ allowed: request.operation !== "DELETE" }));
  const h = await serve(t);
  const rules = [
    {
      operations: ["*"],
      apiGroups: ["", "events.k8s.io"],
      apiVersions: ["v1"],
      resources: ["configmaps", "configmaps/*"],
    },
  ];
  await configure(h, "Validating", "v", [
    hook("v", hooks.url, {
      rules,
      objectSelector: { matchExpressions: [{ key: "free", operator: "DoesNotExist" }] },
    }),
  ]);
  await h.call("POST", maps, configMap("free", {}, { free: "1" }));
  assert.equal(hooks.seen.length, 0);
  await h.call("POST", maps, configMap("a"));
  await h.call(
    "PATCH",
    `${maps}/a`,
    { data: { k: "v" } },
    { "content-type": "application/merge-patch+json" },
  );
  const update = hooks.seen.at(-1);
  assert.deepEqual(
    [update.operation, update.oldObject.data, update.object.data, update.options.kind],
    ["UPDATE", undefined, { k: "v" }, "UpdateOptions"],
  );
  const kept = failure(await h.call("DELETE", `${maps}/a`), 400);
  assert.equal(kept.message, 'admission webhook "v.example.com" denied the request without explanation');
  assert.equal((await h.call("GET", `${maps}/a`)).status, 200);
  assert.equal((await h.call("DELETE", `${maps}/free`)).status, 200);
  await h.call("DELETE", `${group}/validatingwebhookconfigurations/v`);
  assert.equal(
    (await h.call("DELETE", `${maps}/a`)).status,
    200,
    "a configuration that is gone does not matter any more",
  );
});

test("what cannot be asked refuses or is passed over, as failurePolicy says", async (t) => {
  const silent = await webhookServer(t, () => undefined);
  const h = await serve(t);
  await configure(h, "Validating", "a-closed", [
    hook("closed", "https://127.0.0.1:1/x", { objectSelector: { matchLabels: { to: "closed" } } }),
  ]);
  await configure(h, "Validating", "b-silent", [
    hook("silent", silent.url, { timeoutSeconds: 1, objectSelector: { matchLabels: { to: "silent" } } }),
  ]);
  await configure(h, "Validating", "c-ignored", [
    hook("ignored", "https://127.0.0.1:1/x", {
      failurePolicy: "Ignore",
      objectSelector: { matchLabels: { to: "ignored" } },
    }),
  ]);
  await configure(h, "Validating", "d-foreign", [
    {
      ...hook("foreign", silent.url, { objectSelector: { matchLabels: { to: "foreign" } } }),
      clientConfig: { url: silent.url },
    },
  ]);
  const said = async (to: string) => (await h.call("POST", maps, configMap(to, {}, { to }))).body;
  const closed = await said("closed");
  assert.equal(closed.code, 500);
  assert.equal(
    closed.message,
    'Internal error occurred: failed calling webhook "closed.example.com": failed to call webhook: Post "https://127.0.0.1:1/x?timeout=30s": dial tcp 127.0.0.1:1: connect: connection refused',
  );
  assert.match(
    (await said("silent")).message,
    /webhook "silent.example.com": failed to call webhook: Post "https:.*timeout=1s": context deadline exceeded/,
  );
  assert.match((await said("foreign")).message, /x509: certificate signed by unknown authority/);
  assert.equal((await said("ignored")).kind, "ConfigMap");
});

test("an answer that is none, and a dry run that a webhook does not know", async (t) => {
  const hooks = await webhookServer(t, (request) => ({ allowed: true, uid: `not-${request.uid}` }));
  const h = await serve(t);
  await configure(h, "Validating", "v", [hook("v", hooks.url, { sideEffects: "NoneOnDryRun" })]);
  const wrong = failure(await h.call("POST", maps, configMap("a")), 500);
  assert.match(wrong.message ?? "", /received invalid webhook response: expected response.uid=/);
  assert.equal(
    (await h.call("GET", `${group}/validatingwebhookconfigurations/v`)).status,
    200,
    "configurations are never asked about",
  );
});

test("custom resources are pruned again after a webhook changed them", async (t) => {
  const hooks = await webhookServer(t, () =>
    patchOf([
      { op: "add", path: "/spec/known", value: "x" },
      { op: "add", path: "/spec/unknown", value: "x" },
    ]),
  );
  const h = await serve(t);
  await h.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
    metadata: { name: "tabs.example.com" },
    spec: {
      group: "example.com",
      scope: "Cluster",
      names: { plural: "tabs", kind: "Tab" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: { spec: { type: "object", properties: { known: { type: "string" } } } },
            },
          },
        },
      ],
    },
  });
  const rules = [
    { operations: ["CREATE"], apiGroups: ["example.com"], apiVersions: ["v1"], resources: ["tabs"] },
  ];
  await configure(h, "Mutating", "m", [hook("m", hooks.url, { rules })]);
  const body = { apiVersion: "example.com/v1", kind: "Tab", metadata: { name: "a" }, spec: {} };
  const made = await until("the kind", async () => {
    const answer = await h.call("POST", "/apis/example.com/v1/tabs", body);
    return answer.status !== 404 && answer;
  });
  assert.deepEqual(made.body.spec, { known: "x" });
});

test("match conditions say which requests a webhook is asked about", async (t) => {
  const hooks = await webhookServer(t, () => ({ allowed: false }));
  const h = await serve(t);
  const matchConditions = [{ name: "only-held", expression: "object.metadata.labels['held'] == 'yes'" }];
  await configure(h, "Validating", "v", [hook("v", hooks.url, { matchConditions })]);
  const labelled = (name: string, labels: object) => ({ ...configMap(name, {}), metadata: { name, labels } });
  assert.equal((await h.call("POST", maps, labelled("a", { held: "no" }))).status, 201);
  assert.equal(hooks.seen.length, 0);
  failure(await h.call("POST", maps, labelled("b", { held: "yes" })), 400);
  assert.equal(hooks.seen.length, 1);
  // A condition fails, and the failurePolicy is Fail.
  const status = failure(await h.call("POST", maps, labelled("c", { other: "1" })), 403);
  assert.match(
    status.message ?? "",
    /"c" is forbidden: expression '.*' resulted in error: no such key: held$/,
  );
  assert.equal(hooks.seen.length, 1);
});

test("a selector takes what an earlier webhook has made of the object", async (t) => {
  const hooks = await webhookServer(t, (_request, path) =>
    path === "/label"
      ? patchOf([{ op: "add", path: "/metadata/labels", value: { chosen: "1" } }])
      : { allowed: false, status: { message: "seen" } },
  );
  const h = await serve(t);
  await configure(h, "Mutating", "a", [
    hook("label", `${hooks.url}/label`),
    hook("picky", `${hooks.url}/picky`, { objectSelector: { matchLabels: { chosen: "1" } } }),
  ]);
  const refused = failure(await h.call("POST", maps, configMap("a")), 400);
  assert.match(refused.message ?? "", /"picky.example.com" denied the request: seen/);
});
