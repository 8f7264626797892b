import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { failure, type Harness, pod, startHarness } from "../../testing/harness.ts";

const merge = { "content-type": "application/merge-patch+json" };

/** A server with this plugin, its configuration, and these namespaces with their annotations. */
async function start(
  t: TestContext,
  plugin: string,
  told?: object,
  namespaces: Record<string, Record<string, string>> = {},
): Promise<Harness> {
  const h = await startHarness({
    plugins: { enable: [plugin] },
    ...(told ? { pluginConfiguration: new Map([[plugin, told]]) } : {}),
  });
  t.after(() => h.close());
  for (const [name, annotations] of Object.entries({ default: {}, ...namespaces })) {
    await h.call("POST", "/api/v1/namespaces", { metadata: { name, annotations } });
    await h.call("POST", `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: "default" } });
  }
  return h;
}

const create = (h: Harness, namespace: string, name: string, more: Record<string, unknown> = {}) =>
  h.call("POST", `/api/v1/namespaces/${namespace}/pods`, pod(name, more));

test("PodNodeSelector: pods get the labels of their namespace, else the cluster's, and no others than it allows", async (t) => {
  const annotation = "scheduler.alpha.kubernetes.io/node-selector";
  const told = {
    podNodeSelectorPluginConfig: { clusterDefaultNodeSelector: "env=test", listed: "env=test,disk=ssd" },
  };
  const h = await start(t, "PodNodeSelector", told, {
    own: { [annotation]: "a = b,c=d" },
    listed: {},
    none: { [annotation]: "" },
    broken: { [annotation]: "a" },
    worse: { [annotation]: "a=b c" },
    worst: { [annotation]: "a b=c" },
  });
  const selector = async (...pod: Parameters<typeof create> extends [unknown, ...infer R] ? R : never) => {
    const made = await create(h, ...pod);
    assert.equal(made.status, 201, made.text);
    return made.body.spec.nodeSelector as unknown;
  };
  assert.deepEqual(await selector("default", "p"), { env: "test" });
  assert.deepEqual(await selector("own", "p", { nodeSelector: { x: "y" } }), { a: "b", c: "d", x: "y" });
  assert.deepEqual(await selector("listed", "p", { nodeSelector: { disk: "ssd" } }), {
    env: "test",
    disk: "ssd",
  });
  assert.equal(await selector("none", "p"), undefined);
  const message = async (namespace: string, code: number, nodeSelector?: object) =>
    failure(await create(h, namespace, "q", nodeSelector ? { nodeSelector } : {}), code).message;
  assert.equal(
    await message("default", 403, { env: "prod" }),
    'pods "q" is forbidden: pod node label selector conflicts with its namespace node label selector',
  );
  assert.equal(
    await message("listed", 403, { x: "y" }),
    'pods "q" is forbidden: pod node label selector labels conflict with its namespace whitelist',
  );
  assert.equal(await message("broken", 500), "invalid selector: [a]");
  assert.match((await message("worse", 500)) ?? "", /^\[a\]: Invalid value: "b c": a valid label must be/);
  assert.match((await message("worst", 500)) ?? "", /^<nil>: Invalid value: "a b": name part must consist/);
  const moved = await h.call(
    "PATCH",
    "/api/v1/namespaces/own/pods/p",
    { metadata: { labels: { a: "b" } } },
    merge,
  );
  assert.equal(moved.status, 200, "only new pods are looked at");
});

test("PodTolerationRestriction: pods get the tolerations of their namespace, else the cluster's, and no others than allowed", async (t) => {
  const defaults = "scheduler.alpha.kubernetes.io/defaultTolerations";
  const whitelist = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";
  const [own, cluster] = ["own", "cluster"].map((key) => ({ key, operator: "Exists" }));
  const usual = { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" };
  const equal = { key: "x", operator: "Equal", value: "1", effect: "NoSchedule" };
  const told = {
    apiVersion: "podtolerationrestriction.admission.k8s.io/v1alpha1",
    kind: "Configuration",
    default: [cluster],
    whitelist: [
      cluster,
      usual,
      equal,
      { key: "node.kubernetes.io/not-ready", operator: "Exists" },
      { key: "node.kubernetes.io/unreachable", operator: "Exists" },
    ],
  };
  const h = await start(t, "PodTolerationRestriction", told, {
    own: { [defaults]: JSON.stringify([own]), [whitelist]: "" },
    strict: { [whitelist]: '[{"key":"a","operator":"Exists"}]' },
    broken: { [defaults]: '[{"key":1}]' },
    worse: { [defaults]: "x" },
  });
  const tolerations = async (namespace: string, name: string, more: Record<string, unknown> = {}) => {
    const made = await create(h, namespace, name, more);
    assert.equal(made.status, 201, made.text);
    const all = made.body.spec.tolerations as { key: string; tolerationSeconds?: number }[];
    return all.filter(({ tolerationSeconds }) => tolerationSeconds === undefined);
  };
  assert.deepEqual(await tolerations("default", "p", { tolerations: [equal] }), [equal, cluster]);
  const containers = [{ name: "c", image: "i", resources: { requests: { cpu: "1" } } }];
  assert.deepEqual(await tolerations("own", "p", { containers }), [own, usual]);
  const refused = "pod tolerations (possibly merged with namespace default tolerations) conflict with its";
  const other = { tolerations: [{ ...equal, value: "2" }] };
  assert.deepEqual(
    failure(await create(h, "default", "q", other), 500).message,
    `${refused} cluster whitelist`,
  );
  assert.equal(failure(await create(h, "strict", "q"), 500).message, `${refused} namespace whitelist`);
  assert.equal(
    failure(await create(h, "broken", "q"), 500).message,
    "json: cannot unmarshal number into Go struct field Toleration.key of type string",
  );
  assert.equal(
    failure(await create(h, "worse", "q"), 500).message,
    "invalid character 'x' looking for beginning of value",
  );
  const annotations = { [whitelist]: '[{"key":"a","operator":"Exists"}]' };
  await h.call("PATCH", "/api/v1/namespaces/own", { metadata: { annotations } }, merge);
  const changed = await h.call(
    "PATCH",
    "/api/v1/namespaces/own/pods/p",
    { metadata: { labels: { a: "b" } } },
    merge,
  );
  assert.equal(failure(changed, 500).message, `${refused} namespace whitelist`);
});

test("EventRateLimit: each limit counts every event; time fills it up again", async (t) => {
  const told = {
    apiVersion: "eventratelimit.admission.k8s.io/v1alpha1",
    kind: "Configuration",
    limits: [
      { type: "Namespace", qps: 1, burst: 2, cacheSize: 1 },
      { type: "SourceAndObject", qps: 1, burst: 3 },
      { type: "User", qps: 1, burst: 6 },
      { type: "Server", qps: 1, burst: 7 },
    ],
  };
  const h = await start(t, "EventRateLimit", told, { other: {} });
  const tell = (namespace: string, name: string, query = "") =>
    h.call("POST", `/api/v1/namespaces/${namespace}/events${query}`, {
      metadata: { generateName: "e" },
      involvedObject: { kind: "Pod", namespace, name },
      source: { component: "c" },
    });
  assert.equal((await tell("default", "a")).status, 201);
  assert.equal((await tell("default", "a", "?dryRun=All")).status, 201);
  assert.equal((await tell("default", "a")).status, 201);
  const { message, reason } = failure(await tell("default", "a"), 429);
  assert.equal(reason, "TooManyRequests");
  assert.equal(message, "Too many requests: limit reached on type Namespace for key default");
  assert.equal(
    failure(await tell("default", "a"), 429).message,
    "Too many requests: [limit reached on type Namespace for key default, limit reached on type SourceAndObject for key cPoddefaulta]",
  );
  assert.equal((await tell("other", "b")).status, 201);
  // The cache holds one namespace: the other has evicted this one, so it begins anew.
  assert.equal((await tell("default", "b")).status, 201);
  assert.match(
    failure(await tell("default", "c"), 429).message ?? "",
    /: limit reached on type User for key admin$/,
  );
  await h.clock.run(1000);
  assert.equal((await tell("default", "c")).status, 201);
});

test("NamespaceAutoProvision: a namespace that is not there is made, but for a dry run", async (t) => {
  const h = await start(t, "NamespaceAutoProvision");
  const body = { metadata: { name: "x" } };
  const made = await h.call("POST", "/api/v1/namespaces/fresh/configmaps", body);
  assert.equal(made.status, 201, made.text);
  assert.equal((await h.call("GET", "/api/v1/namespaces/fresh")).body.status.phase, "Active");
  failure(await h.call("POST", "/api/v1/namespaces/dry/configmaps?dryRun=All", body), 404);
  assert.match(
    failure(await h.call("POST", "/api/v1/namespaces/Bad_Name/configmaps", body), 403).message ?? "",
    /^configmaps "x" is forbidden: Namespace "Bad_Name" is invalid: metadata\.name: Invalid value: "Bad_Name"/,
  );
  failure(await h.call("DELETE", "/api/v1/namespaces/never/configmaps/x"), 404);
  failure(await h.call("GET", "/api/v1/namespaces/never"), 404);
});

test("AlwaysDeny: nothing is written or deleted", async (t) => {
  const before = await startHarness();
  t.after(() => before.close());
  const h = await startHarness({ store: before.store, plugins: { enable: ["AlwaysDeny"] } });
  t.after(() => h.close());
  const maps = "/api/v1/namespaces/default/configmaps";
  const why = "admission control is denying all modifications";
  const refused = failure(await h.call("POST", maps, { metadata: { name: "x" } }), 403);
  assert.equal(refused.message, `configmaps "x" is forbidden: ${why}`);
  const gone = failure(await h.call("DELETE", "/api/v1/namespaces/kube-public"), 403);
  assert.equal(gone.message, 'namespaces "kube-public" is forbidden: this namespace may not be deleted');
  assert.equal((await h.call("GET", maps)).status, 200);
});

test("what plugins are told is held to its form, where they are asked for", async () => {
  const problem = async (plugin: string, told?: object): Promise<string> => {
    const asked = startHarness({
      plugins: { enable: [plugin] },
      ...(told ? { pluginConfiguration: new Map([[plugin, told]]) } : {}),
    });
    return asked.then(
      () => "",
      (error: Error) => error.message,
    );
  };
  const wrong = (plugin: string, why: string): string => `couldn't init admission plugin "${plugin}": ${why}`;
  const events = { apiVersion: "eventratelimit.admission.k8s.io/v1alpha1", kind: "Configuration" };
  assert.equal(
    await problem("EventRateLimit"),
    wrong("EventRateLimit", "limits: Invalid value: null: must not be empty"),
  );
  assert.equal(
    await problem("EventRateLimit", { ...events, limits: [{ type: "X", qps: 0, burst: -1, cacheSize: -1 }] }),
    wrong(
      "EventRateLimit",
      '[limits[0].type: Unsupported value: "X": supported values: "Namespace", "Server", "SourceAndObject", "User", limits[0].burst: Invalid value: -1: must be positive, limits[0].qps: Invalid value: 0: must be positive, limits[0].cacheSize: Invalid value: -1: must not be negative]',
    ),
  );
  assert.equal(
    await problem("EventRateLimit", { apiVersion: "v1", kind: "Foo" }),
    wrong("EventRateLimit", 'no kind "Foo" is registered for version "v1"'),
  );
  const tolerations = {
    apiVersion: "podtolerationrestriction.admission.k8s.io/v1alpha1",
    kind: "Configuration",
  };
  assert.match(
    await problem("PodTolerationRestriction", {
      ...tolerations,
      default: [{ key: "a b", operator: "Exists" }],
    }),
    /": invalid config: \[podtolerationrestriction\.default\[0\]\.key: Invalid value: "a b": name part/,
  );
  const quiet = await startHarness({ pluginConfiguration: new Map([["EventRateLimit", { kind: "Foo" }]]) });
  await quiet.close();
});
