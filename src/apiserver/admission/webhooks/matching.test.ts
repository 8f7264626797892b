import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../../testing/index.ts";
import { configMap, failure, type Harness } from "../../testing/harness.ts";
import { configure, group, hook, maps, serve, webhookServer } from "../../testing/webhooks.ts";

const rule = (apiGroup: string, version: string, resources: string[], more: object = {}) => ({
  rules: [{ operations: ["*"], apiGroups: [apiGroup], apiVersions: [version], resources, ...more }],
});
const labelled = (name: string) => ({ objectSelector: { matchLabels: { [name]: "1" } } });
const merge = { "content-type": "application/merge-patch+json" };

/** Webhooks that allow everything; `asked` returns the calls since the last one, with their versions. */
async function watching(
  t: TestContext,
  hooks: Record<string, object>,
  options?: Parameters<typeof serve>[1],
) {
  const server = await webhookServer(t, () => ({ allowed: true }));
  const h = await serve(t, options);
  const all = Object.entries(hooks).map(([name, more]) => hook(name, `${server.url}/${name}`, more));
  await configure(h, "Validating", "v", all);
  const asked = (): string[] =>
    server.seen
      .splice(0)
      .map(({ path, kind, object, oldObject }) => {
        const { apiVersion } = object ?? oldObject;
        assert.equal(apiVersion, kind.group === "" ? kind.version : `${kind.group}/${kind.version}`);
        return `${path.slice(1)}: ${apiVersion}`;
      })
      .sort();
  return { h, asked };
}

const versions = ["v1", "v2", "v3"].map((name) => ({
  name,
  served: name !== "v3",
  storage: name === "v1",
  schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object" } } } },
}));

async function defineTabs(h: Harness): Promise<void> {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const names = { plural: "tabs", kind: "Tab" };
  const spec = { group: "example.com", scope: "Cluster", names, versions };
  const made = await h.call("POST", path, { metadata: { name: "tabs.example.com" }, spec });
  assert.equal(made.status, 201, made.text);
  await until("the kind", async () => (await h.call("GET", "/apis/example.com/v2/tabs")).status !== 404);
}

test("matchPolicy: a rule for one version speaks of requests in another, which is shown in the rule's", async (t) => {
  const { h, asked } = await watching(t, {
    exact: { ...rule("example.com", "v1", ["tabs"]), matchPolicy: "Exact" },
    first: rule("example.com", "v1", ["tabs"]),
    second: rule("example.com", "v2", ["tabs"]),
    unserved: rule("example.com", "v3", ["tabs"]),
    unknown: rule("example.com", "v4", ["tabs"]),
  });
  await defineTabs(h);
  asked();
  const make = (version: string) =>
    h.call("POST", `/apis/example.com/${version}/tabs`, {
      apiVersion: `example.com/${version}`,
      kind: "Tab",
      metadata: { name: version },
    });
  assert.equal((await make("v1")).status, 201);
  assert.deepEqual(asked(), [
    "exact: example.com/v1",
    "first: example.com/v1",
    "second: example.com/v2",
    "unserved: example.com/v3",
  ]);
  assert.equal((await make("v2")).status, 201);
  assert.deepEqual(asked(), ["first: example.com/v1", "second: example.com/v2", "unserved: example.com/v3"]);
});

test("matchPolicy: events are the same in two groups, autoscalers in two versions", async (t) => {
  const { h, asked } = await watching(t, {
    newer: rule("events.k8s.io", "v1", ["events"]),
    older: rule("", "v1", ["events"]),
    one: rule("autoscaling", "v1", ["horizontalpodautoscalers"]),
  });
  await h.call("POST", "/api/v1/namespaces/default/events", {
    metadata: { name: "e" },
    involvedObject: { kind: "Pod", name: "p", namespace: "default" },
  });
  assert.deepEqual(asked(), ["newer: events.k8s.io/v1", "older: v1"]);
  const made = await h.call("POST", "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", {
    metadata: { name: "h" },
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" } },
  });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(asked(), ["one: autoscaling/v1"]);
});

test("objectSelector takes what the object was or will be", async (t) => {
  const { h, asked } = await watching(t, { v: { ...rule("", "v1", ["configmaps"]), ...labelled("x") } });
  const count = async (labels: object | null) => {
    await h.call("PATCH", `${maps}/a`, { metadata: { labels } }, merge);
    return asked().length;
  };
  await h.call("POST", maps, configMap("a"));
  assert.equal(asked().length, 0);
  assert.equal(await count({ y: "1" }), 0);
  assert.equal(await count({ x: "1" }), 1);
  assert.equal(await count(null), 1);
  assert.equal(await count({ y: "2" }), 0);
});

test("namespaceSelector: a namespace has its own labels, what is in none is always selected", async (t) => {
  const only = { namespaceSelector: { matchLabels: { team: "1" } } };
  const { h, asked } = await watching(t, {
    inside: { ...rule("", "v1", ["configmaps"]), ...only },
    itself: { ...rule("", "v1", ["namespaces"]), ...only },
    namespaced: { ...rule("", "v1", ["namespaces"], { scope: "Namespaced" }), ...only },
    outside: { ...rule("scheduling.k8s.io", "v1", ["priorityclasses"]), ...only },
  });
  const namespace = (name: string, labels: object) => ({ metadata: { name, labels } });
  await h.call("POST", "/api/v1/namespaces", namespace("plain", {}));
  assert.deepEqual(asked(), []);
  await h.call("POST", "/api/v1/namespaces", namespace("team", { team: "1" }));
  assert.deepEqual(asked(), ["itself: v1"]);
  for (const name of ["plain", "team"])
    await h.call("POST", `/api/v1/namespaces/${name}/configmaps`, configMap("a"));
  assert.deepEqual(asked(), ["inside: v1"]);
  await h.call("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", { metadata: { name: "p" }, value: 1 });
  assert.deepEqual(asked(), ["outside: scheduling.k8s.io/v1"]);
  await h.call("PATCH", "/api/v1/namespaces/team", { metadata: { labels: { team: null } } }, merge);
  assert.deepEqual(asked(), [], "by the labels that it will have");
});

test("nobody is asked about configurations of webhooks and policies", async (t) => {
  const hooks = await webhookServer(t, () => ({ allowed: false }));
  const h = await serve(t);
  const everything = {
    rules: [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"] }],
  };
  await configure(h, "Validating", "v", [hook("v", hooks.url, everything)]);
  await configure(h, "Mutating", "m", [hook("m", hooks.url, everything)]);
  assert.equal((await h.call("DELETE", `${group}/mutatingwebhookconfigurations/m`)).status, 200);
  assert.equal(hooks.seen.length, 0);
  failure(await h.call("POST", maps, configMap("a")), 400);
  assert.equal((await h.call("DELETE", `${group}/validatingwebhookconfigurations/v`)).status, 200);
  assert.equal((await h.call("POST", maps, configMap("a"))).status, 201);
});
