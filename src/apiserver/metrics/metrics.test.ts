import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { settle } from "../../testing/index.ts";
import { configMap, pod } from "../testing/harness.ts";
import { configure, hook, maps, serve, webhookServer } from "../testing/webhooks.ts";

async function setUp(t: TestContext, options?: Parameters<typeof serve>[1]) {
  const h = await serve(t, options);
  /** The value of a series; undefined when there is none. */
  const value = async (series: string): Promise<number | undefined> => {
    const { text } = await h.call("GET", "/metrics");
    const line = text.split("\n").find((each) => each.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(" ")));
  };
  return { h, value };
}

const request = (verb: string, scope: string, code: number, more: object = {}): string => {
  const labels: Record<string, string> = {
    code: String(code),
    component: "apiserver",
    dry_run: "",
    group: "",
    resource: "configmaps",
    scope,
    subresource: "",
    verb,
    version: "v1",
    ...more,
  };
  const text = Object.entries(labels).map(([name, each]) => `${name}="${each}"`);
  return `apiserver_request_total{${text.join(",")}}`;
};

test("requests are counted by what they are, and only those that there is something for", async (t) => {
  const { h, value } = await setUp(t);
  await h.call("POST", maps, configMap("a"));
  await h.call("POST", `${maps}?dryRun=All`, configMap("b"));
  await h.call("GET", maps);
  await h.call("GET", "/api/v1/configmaps");
  await h.call("GET", `${maps}?fieldSelector=metadata.name%3Da`);
  await h.call("PUT", `${maps}/a`, configMap("a", { k: "v" }));
  const apply = { "content-type": "application/apply-patch+yaml" };
  await h.call("PATCH", `${maps}/a?fieldManager=m&force=true`, configMap("a"), apply);
  await h.call("PATCH", `${maps}/a`, {}, { "content-type": "application/merge-patch+json" });
  await h.call("GET", `${maps}/none`);
  await h.call("DELETE", `${maps}/a`);
  await h.call("DELETE", maps);
  const wanted: [string, number][] = [
    [request("POST", "resource", 201), 1],
    [request("POST", "resource", 201, { dry_run: "All" }), 1],
    [request("LIST", "namespace", 200), 2],
    [request("LIST", "cluster", 200), 1],
    [request("PUT", "resource", 200), 1],
    [request("APPLY", "resource", 200), 1],
    [request("PATCH", "resource", 200), 1],
    [request("GET", "resource", 404), 1],
    [request("DELETE", "resource", 200), 1],
    [request("DELETE", "namespace", 200), 1],
  ];
  for (const [series, count] of wanted) assert.equal(await value(series), count, series);
  for (const path of ["/api/v1/zzz", "/zzz", `${maps}/a/zzz`, "/apis/zzz.example.com/v1/x"])
    await h.call("GET", path);
  await h.call("GET", "/livez/ping");
  await h.call("GET", "/api");
  const { text } = await h.call("GET", "/metrics");
  assert.doesNotMatch(text, /zzz/);
  const outside = { resource: "", version: "" };
  assert.equal(await value(request("GET", "", 200, { ...outside, subresource: "api" })), 1);
  assert.equal(await value(request("GET", "", 200, { ...outside, subresource: "/livez", component: "" })), 1);
  const post =
    '{component="apiserver",dry_run="",group="",resource="configmaps",scope="resource",subresource="",verb="POST",version="v1"}';
  assert.equal(await value(`apiserver_request_duration_seconds_count${post}`), 1);
  assert.equal(
    await value('apiserver_request_body_size_bytes_count{group="",resource="configmaps",verb="create"}'),
    2,
  );
});

test("who comes and what they may do: by result, names only of those that are known", async (t) => {
  const { h, value } = await setUp(t, {
    authenticator: {
      authenticate: ({ headers }) => {
        if (headers["x-user"] === "bad") throw new Error("no");
        return { name: headers["x-user"] ?? "admin", groups: ["system:masters"] };
      },
    },
    authorizer: { authorize: ({ path }) => ({ allowed: path !== "/version", reason: "" }) },
  });
  for (const user of ["kubelet", "kubelet", "a@example.com", "somebody"])
    await h.call("GET", "/api", undefined, { "x-user": user });
  await h.call("GET", "/api", undefined, { "x-user": "bad" });
  await h.call("GET", "/version");
  assert.equal(await value('authenticated_user_requests{username="kubelet"}'), 2);
  assert.equal(await value('authenticated_user_requests{username="email_id"}'), 1);
  assert.equal(await value('authenticated_user_requests{username="other"}'), 1);
  assert.equal(await value('authentication_attempts{result="error"}'), 1);
  assert.equal(await value('authorization_attempts_total{result="no-opinion"}'), 1);
  assert.ok(((await value('authorization_duration_seconds_count{result="allowed"}')) ?? 0) > 4);
});

test("what is stored, what watches are told, and what the store was asked for", async (t) => {
  const { h, value } = await setUp(t);
  const watch = await h.watch(`${maps}?watch=1&resourceVersion=${h.store.revision}`);
  for (const name of ["a", "b"]) await h.call("POST", maps, configMap(name));
  await h.call("PUT", `${maps}/a`, configMap("a", { k: "v" }));
  await h.call("DELETE", `${maps}/a`);
  await settle();
  const of = '{group="",resource="configmaps",version="v1"}';
  assert.equal(await value(`apiserver_watch_events_total${of}`), 4);
  assert.equal(await value(`apiserver_watch_events_sizes_count${of}`), 4);
  assert.equal(await value('apiserver_storage_objects{resource="configmaps"}'), 1);
  assert.equal(
    await value('apiserver_storage_objects{resource="flowschemas.flowcontrol.apiserver.k8s.io"}'),
    11,
  );
  assert.ok(
    ((await value('apiserver_resource_size_estimate_bytes{group="",resource="configmaps"}')) ?? 0) > 100,
  );
  assert.ok(((await value('apiserver_storage_size_bytes{storage_cluster_id="etcd-0"}')) ?? -1) >= 0);
  for (const [operation, count] of Object.entries({ create: 2, update: 1, delete: 1 })) {
    const series = `etcd_requests_total{group="",operation="${operation}",resource="configmaps"}`;
    assert.equal(await value(series), count, series);
  }
  watch.close();
});

test("plugins and webhooks: how long, how often, and what was refused by whom", async (t) => {
  const { h, value } = await setUp(t, { plugins: { disable: ["ServiceAccount"] } });
  const hooks = await webhookServer(t, ({ object }) =>
    object?.metadata.name === "no" ? { allowed: false, status: { code: 418 } } : { allowed: true },
  );
  const gone = "https://127.0.0.1:1/";
  await configure(h, "Mutating", "m", [hook("open", gone, { failurePolicy: "Ignore" })]);
  await configure(h, "Validating", "v", [hook("judge", hooks.url)]);
  assert.equal((await h.call("POST", maps, configMap("yes"))).status, 201);
  assert.equal((await h.call("POST", maps, configMap("no"))).status, 418);
  await configure(h, "Mutating", "m2", [hook("closed", gone)]);
  assert.equal((await h.call("POST", maps, configMap("yes2"))).status, 500);
  await h.call("POST", "/api/v1/namespaces/nowhere/pods", pod("p"));
  const plugin = (name: string, rejected: boolean): string =>
    `apiserver_admission_controller_admission_duration_seconds_count{name="${name}",operation="CREATE",rejected="${rejected}",type="admit"}`;
  assert.equal(await value(plugin("NamespaceLifecycle", true)), 1);
  assert.ok(((await value(plugin("NamespaceLifecycle", false))) ?? 0) >= 3);
  const step =
    'apiserver_admission_step_admission_duration_seconds_count{operation="CREATE",rejected="true",type="validate"}';
  assert.equal(await value(step), 1);
  const asked = (name: string, type: string, rejected: boolean, code: number): string =>
    `apiserver_admission_webhook_request_total{code="${code}",name="${name}.example.com",operation="CREATE",rejected="${rejected}",type="${type}"}`;
  assert.equal(await value(asked("judge", "validating", false, 200)), 1);
  assert.equal(await value(asked("judge", "validating", true, 418)), 1);
  assert.equal(await value(asked("open", "admit", false, 503)), 3);
  assert.equal(await value(asked("closed", "admit", true, 503)), 1);
  const rejected = (name: string, type: string, code: number, error: string): string =>
    `apiserver_admission_webhook_rejection_count{error_type="${error}",name="${name}.example.com",operation="CREATE",rejection_code="${code}",type="${type}"}`;
  assert.equal(await value(rejected("judge", "validating", 418, "no_error")), 1);
  assert.equal(await value(rejected("closed", "admit", 503, "calling_webhook_error")), 1);
  assert.equal(
    await value('apiserver_admission_webhook_fail_open_count{name="open.example.com",type="admit"}'),
    3,
  );
});

test("the process, the build, what is deprecated; and counting anew", async (t) => {
  const { h, value } = await setUp(t);
  const made = await h.call("GET", "/metrics");
  assert.equal(
    made.headers["content-type"],
    "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
  );
  assert.match(made.headers["process-start-time-unix"] ?? "", /^\d{10}$/);
  assert.match(made.text, /^kubernetes_build_info\{build_date=".*minor="36".*\} 1$/m);
  assert.match(made.text, /^process_cpu_seconds_total [\d.e+-]+$/m);
  assert.match(made.text, /^kubernetes_feature_enabled\{name="APIServerIdentity",stage="BETA"\} 1$/m);
  assert.ok(((await value("process_open_fds")) ?? 0) > 2);
  const endpoints =
    'apiserver_requested_deprecated_apis{group="",removed_release="",resource="endpoints",subresource="",version="v1"}';
  assert.equal(await value(endpoints), undefined);
  await h.call("GET", "/api/v1/namespaces/default/endpoints");
  assert.equal(await value(endpoints), 1);
  const { text } = await h.call("DELETE", "/metrics");
  assert.equal(text, "metrics reset\n");
  assert.equal(await value('authorization_attempts_total{result="allowed"}'), 1);
  assert.equal((await h.call("GET", "/metrics/slis")).status, 200);
});

const policiesAt = "/apis/admissionregistration.k8s.io/v1";
const ofConfigMaps = {
  resourceRules: [
    { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] },
  ],
};

test("policies: what they refuse, warn of and let pass, and what they change", async (t) => {
  const { h, value } = await setUp(t);
  const make = async (kind: string, spec: object, bound: object): Promise<void> => {
    const plural = `${kind.toLowerCase()}admissionpolic`;
    const policy = { metadata: { name: "p" }, spec: { matchConstraints: ofConfigMaps, ...spec } };
    const binding = { metadata: { name: "b" }, spec: { policyName: "p", ...bound } };
    for (const [path, body] of [
      [`${plural}ies`, policy],
      [`${plural}ybindings`, binding],
    ] as const) {
      const made = await h.call("POST", `${policiesAt}/${path}`, body);
      assert.equal(made.status, 201, made.text);
    }
  };
  const validations = [
    { expression: "object.metadata.name != 'bad'" },
    { expression: "object.data.x == '1'" },
  ];
  await make(
    "Validating",
    { validations, failurePolicy: "Ignore" },
    { validationActions: ["Warn", "Audit"] },
  );
  const label = 'Object{metadata: Object.metadata{labels: {"a": object.data.x}}}';
  await make(
    "Mutating",
    {
      reinvocationPolicy: "Never",
      failurePolicy: "Ignore",
      mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression: label } }],
    },
    {},
  );
  await h.call("POST", maps, configMap("bad", { x: "1" }));
  await h.call("POST", maps, configMap("good"));
  const validated = (error: string, action: string) =>
    value(
      `apiserver_validating_admission_policy_check_total{enforcement_action="${action}",error_type="${error}",policy="p",policy_binding="b"}`,
    );
  const mutated = (error: string) =>
    value(
      `apiserver_mutating_admission_policy_check_total{error_type="${error}",policy="p",policy_binding="b"}`,
    );
  assert.deepEqual(
    [
      await validated("no_error", "warn"),
      await validated("no_error", "audit"),
      await validated("no_error", "deny"),
      await validated("invalid_error", "allow"),
      await mutated("no_error"),
      await mutated("invalid_error"),
    ],
    [1, 1, undefined, 1, 1, 1],
  );
  assert.equal(await value("apiserver_cel_compilation_duration_seconds_count"), 2);
  assert.equal(await value("apiserver_cel_evaluation_duration_seconds_count"), 2);
});

test("addresses and node ports: how many are taken and free, given and refused", async (t) => {
  const network = { serviceCidr: "10.96.0.0/24", nodePorts: { from: 30000, to: 30009 } };
  const { h, value } = await setUp(t, { network });
  const services = "/api/v1/namespaces/default/services";
  const make = (name: string, spec: object) =>
    h.call("POST", services, { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
  const addresses = (name: string, more = "") =>
    value(`kube_apiserver_clusterip_allocator_${name}{cidr="10.96.0.0/24"${more}}`);
  const before = (await addresses("allocated_ips")) ?? 0;
  await make("any", { type: "NodePort" });
  await make("one", { clusterIP: "10.96.0.9" });
  await make("again", { clusterIP: "10.96.0.9" });
  assert.equal(await addresses("allocated_ips"), before + 2);
  assert.equal(await addresses("available_ips"), 254 - before - 2);
  assert.equal(await addresses("allocation_total", ',scope="static"'), 1);
  assert.equal(await addresses("allocation_errors_total", ',scope="static"'), 1);
  const [given, timed] = [
    await addresses("allocation_total", ',scope="dynamic"'),
    await addresses("allocation_duration_seconds_count"),
  ];
  assert.equal(timed, (given ?? 0) + 1);
  assert.equal(await value('kube_apiserver_nodeport_allocator_allocation_total{scope="dynamic"}'), 1);
  assert.equal(await value("kube_apiserver_nodeport_allocator_allocated_ports"), 1);
  assert.equal(await value("kube_apiserver_nodeport_allocator_available_ports"), 9);
});

test("writes by what is made of unknown fields; what comes before a request is served; discovery that is put together", async (t) => {
  const { h, value } = await setUp(t);
  await h.call("POST", maps, configMap("a"));
  await h.call("PUT", `${maps}/a?fieldValidation=Strict`, configMap("a"));
  await h.call("GET", `${maps}/a`);
  const validated = (how: string) =>
    value(`field_validation_request_duration_seconds_count{field_validation="${how}"}`);
  assert.deepEqual(
    [await validated("Warn"), await validated("Strict"), await validated("Ignore")],
    [1, 1, 0],
  );
  const filtered = (filter: string) =>
    value(`apiserver_request_filter_duration_seconds_count{filter="${filter}"}`);
  assert.ok(((await filtered("authentication")) ?? 0) >= 3);
  assert.ok(((await filtered("authorization")) ?? 0) >= 3);
  const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  await h.call("GET", "/apis", undefined, { accept });
  await h.call("GET", "/apis", undefined, { accept });
  assert.equal(await value("aggregator_discovery_aggregation_count_total"), 1);
});

test("lists: how many objects they look at and show, out of memory and of the newest state", async (t) => {
  const { h, value } = await setUp(t);
  for (const name of ["a", "b", "c"]) await h.call("POST", maps, configMap(name));
  const before = async (name: string, labels = 'group="",resource="configmaps"') =>
    (await value(`apiserver_${name}{${labels}}`)) ?? 0;
  const indexed = 'group="",index="",resource="configmaps"';
  const newest = 'fallback="false",group="",resource="configmaps",success="true"';
  const all = async () => [
    await before("cache_list_total", indexed),
    await before("cache_list_fetched_objects_total", indexed),
    await before("cache_list_returned_objects_total"),
    await before("watch_cache_consistent_read_total", newest),
  ];
  const from = await all();
  await h.call("GET", maps);
  await h.call("GET", `${maps}?labelSelector=x`);
  await h.call("GET", `${maps}?resourceVersion=0`);
  await h.call("GET", `${maps}?limit=2`);
  const now = await all();
  assert.deepEqual(
    now.map((each, i) => each - (from[i] as number)),
    [4, 12, 3 + 0 + 3 + 2, 3],
  );
  assert.equal(await value('watch_cache_capacity{group="",resource="configmaps"}'), 10_000);
  assert.equal(await value('apiserver_watch_cache_initializations_total{group="",resource="configmaps"}'), 1);
});

test("watches that begin with the state: until they have told it, if they say when that is", async (t) => {
  const { h, value } = await setUp(t);
  await h.call("POST", maps, configMap("a"));
  const listed = (scope: string) =>
    value(
      `apiserver_watch_list_duration_seconds_count{group="",resource="configmaps",scope="${scope}",version="v1"}`,
    );
  const initial = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  for (const path of [`${maps}?${initial}`, `/api/v1/configmaps?${initial}`, `${maps}?watch=1`]) {
    const watch = await h.watch(path);
    // Two of the watches end with a bookmark, the third has none.
    let last = await watch.next();
    while (path.includes("Bookmarks") && last?.type !== "BOOKMARK") last = await watch.next();
    watch.close();
  }
  assert.deepEqual([await listed("namespace"), await listed("cluster")], [1, 1]);
});

test("events share leases, and it counts how many did", async (t) => {
  const { h, value } = await setUp(t);
  const event = (name: string) => ({
    metadata: { name, namespace: "default" },
    involvedObject: { namespace: "default" },
  });
  for (let i = 0; i < 12; i++)
    assert.equal((await h.call("POST", "/api/v1/namespaces/default/events", event(`e${i}`))).status, 201);
  assert.equal(await value("etcd_lease_object_counts_count"), 0);
  h.clock.advance(60_001);
  await h.call("POST", "/api/v1/namespaces/default/events", event("last"));
  assert.equal(await value("etcd_lease_object_counts_count"), 1);
  assert.equal(await value("etcd_lease_object_counts_sum"), 12);
});

test("requests to webhooks: by host and answer, and what was sent and came back", async (t) => {
  const { h, value } = await setUp(t);
  const hooks = await webhookServer(t, () => ({ allowed: true }));
  await configure(h, "Mutating", "m", [hook("m", hooks.url)]);
  await h.call("POST", maps, configMap("a"));
  const { host } = new URL(hooks.url);
  assert.equal(await value(`rest_client_requests_total{code="200",host="${host}",method="POST"}`), 1);
  for (const name of ["request_duration_seconds", "request_size_bytes", "response_size_bytes"])
    assert.equal(await value(`rest_client_${name}_count{host="${host}",verb="POST"}`), 1, name);
  assert.ok(((await value(`rest_client_request_size_bytes_sum{host="${host}",verb="POST"}`)) ?? 0) > 200);
  const closed = [hook("m", "https://127.0.0.1:1", { failurePolicy: "Ignore" })];
  await configure(h, "Validating", "v", closed);
  await h.call("POST", maps, configMap("b"));
  assert.equal(await value('rest_client_requests_total{code="<error>",host="127.0.0.1:1",method="POST"}'), 1);
});

test("pods count by the level they were held to, and what came of it", async (t) => {
  const { h, value } = await setUp(t, { plugins: { disable: ["ServiceAccount"] } });
  const pods = "/api/v1/namespaces/default/pods";
  const made = (more: object) =>
    `pod_security_evaluations_total{${Object.entries({
      decision: "allow",
      mode: "enforce",
      policy_level: "privileged",
      policy_version: "latest",
      request_operation: "create",
      resource: "pod",
      subresource: "",
      ...more,
    })
      .map(([name, each]) => `${name}="${each}"`)
      .join()}}`;
  assert.equal((await h.call("POST", pods, pod("a"))).status, 201);
  assert.equal(await value(made({})), 1);
  const label = (level: string, version: string) =>
    h.call(
      "PATCH",
      "/api/v1/namespaces/default",
      {
        metadata: {
          labels: {
            "pod-security.kubernetes.io/enforce": level,
            "pod-security.kubernetes.io/enforce-version": version,
          },
        },
      },
      { "content-type": "application/merge-patch+json" },
    );
  await label("restricted", "v1.30");
  assert.equal((await h.call("POST", pods, pod("b"))).status, 403);
  const strict = { policy_level: "restricted", policy_version: "v1.30" };
  assert.equal(await value(made({ ...strict, decision: "deny" })), 1);
  await label("baseline", "v1.99");
  assert.equal((await h.call("POST", pods, pod("c"))).status, 201);
  assert.equal(await value(made({ policy_level: "baseline", policy_version: "future" })), 1);
});

test("what this is: versions it goes with, and how many metrics there are of each stability", async (t) => {
  const { h, value } = await setUp(t);
  assert.equal(
    await value('version_info{binary="1.36.3",component="kube",emulation="1.36",min_compat="1.35"}'),
    1,
  );
  const { text } = await h.call("GET", "/metrics");
  const shown = new Set(text.match(/^# HELP \S+ \[STABLE\]/gm));
  const stable = await value('registered_metrics_total{deprecated_version="",stability_level="STABLE"}');
  assert.ok((stable ?? 0) >= shown.size && shown.size > 3, `${stable} of which ${shown.size} have series`);
});
