import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { configMap, failure, type Harness, pod, startHarness } from "../testing/harness.ts";

let h: Harness;
before(async () => {
  h = await startHarness();
  await h.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
});
after(() => h.close());

const maps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";

test("create fills what the server owns and answers with it", async () => {
  const { status, body } = await h.call("POST", maps, {
    ...configMap("made", { a: "1" }),
    metadata: {
      name: "made",
      uid: "mine",
      creationTimestamp: "2001-01-01T00:00:00Z",
      deletionTimestamp: "2001-01-01T00:00:00Z",
    },
  });
  assert.equal(status, 201);
  assert.match(body.metadata.uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(body.metadata.creationTimestamp, "2026-01-01T00:00:00Z");
  assert.equal(body.metadata.deletionTimestamp, undefined);
  assert.equal(body.metadata.namespace, "default");
  assert.equal(body.metadata.resourceVersion, String(h.store.revision));
  assert.deepEqual((await h.call("GET", `${maps}/made`)).body, body);
});

test("create: errors in Kubernetes' words", async () => {
  await h.call("POST", maps, configMap("twice"));
  const twice = failure(await h.call("POST", maps, configMap("twice")), 409);
  assert.equal(twice.message, 'configmaps "twice" already exists');
  assert.deepEqual([twice.reason, twice.details], ["AlreadyExists", { name: "twice", kind: "configmaps" }]);

  const nowhere = failure(await h.call("POST", "/api/v1/namespaces/none/configmaps", configMap("x")), 404);
  assert.equal(nowhere.message, 'namespaces "none" not found');

  const other = failure(
    await h.call("POST", maps, { ...configMap("x"), metadata: { name: "x", namespace: "other" } }),
    400,
  );
  assert.equal(
    other.message,
    "the namespace of the provided object does not match the namespace sent on the request",
  );

  const wrongKind = failure(await h.call("POST", maps, { ...configMap("x"), kind: "Secret" }), 400);
  assert.match(
    wrongKind.message ?? "",
    /^Secret in version "v1" cannot be handled as a ConfigMap: converting \(v1\.Secret\) to \(core\.ConfigMap\): unknown conversion$/,
  );

  const noName = failure(await h.call("POST", maps, configMap("")), 422);
  assert.equal(
    noName.message,
    'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
  );
  assert.equal(noName.details?.causes?.[0]?.field, "metadata.name");

  const half = failure(await h.call("POST", maps, '{"metadata":'), 400);
  assert.equal(
    half.message,
    'the object provided is unrecognized (must be of type ConfigMap): couldn\'t get version/kind; json parse error: unexpected end of JSON input ({"metadata":)',
  );
  failure(await h.call("POST", maps, "[1]"), 400);
  failure(await h.call("POST", maps, `${"[".repeat(5000)}${"]".repeat(5000)}`), 400);
  const type = failure(await h.call("POST", maps, "a", { "content-type": "text/plain" }), 415);
  assert.match(type.message ?? "", /^the body of the request was in an unknown format/);
  const plain = { "content-type": "text/plain" };
  const options = "?dryRun=x&fieldManager=%01";
  failure(await h.call("POST", maps + options, "a", plain), 415);
  failure(await h.call("PATCH", `${maps}/a${options}`, "a", plain), 415);
  failure(await h.call("POST", `/api/v1/namespaces/default/pods/a/eviction${options}`, "a", plain), 415);
  failure(await h.call("PUT", `${maps}/a${options}`, "a", plain), 422);
  const large = failure(await h.call("POST", maps, " ".repeat(3 * 1024 * 1024 + 1)), 413);
  assert.equal(large.reason, "RequestEntityTooLarge");
});

test("what became of a pod's annotations is told even when the pod is refused", async () => {
  const metadata = {
    name: "old",
    annotations: { "container.apparmor.security.beta.kubernetes.io/c": "runtime/default" },
  };
  const wrong = { metadata, spec: { containers: [{ name: "c", image: "i", imagePullPolicy: "x" }] } };
  const refused = await h.call("POST", "/api/v1/namespaces/default/pods", wrong);
  assert.equal(refused.status, 422, refused.text);
  assert.match(refused.headers.warning ?? "", /deprecated since v1.30; use the \\"appArmorProfile\\" field/);
});

test("YAML bodies, generateName, warnings and strict field validation", async () => {
  const yaml = "metadata:\n  generateName: gen-\ndata:\n  a: b\n";
  const made = await h.call("POST", maps, yaml, { "content-type": "application/yaml" });
  assert.match(made.body.metadata.name, /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);

  const odd = { ...configMap("odd"), dta: {} };
  const warned = await h.call("POST", maps, odd);
  assert.equal(warned.headers.warning, '299 - "unknown field \\"dta\\""');
  assert.equal(warned.body.dta, undefined);
  const strict = failure(await h.call("POST", `${maps}?fieldValidation=Strict`, odd), 400);
  assert.equal(
    strict.message,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta"',
  );
  const ungrouped = await h.call("POST", maps, { ...configMap("ungrouped"), apiVersion: "/v1" });
  assert.deepEqual([ungrouped.status, ungrouped.body.apiVersion], [201, "v1"]);
  failure(await h.call("POST", maps, { ...configMap("ungrouped"), apiVersion: "/v2" }), 400);
  const twice = '{"metadata":{"name":"d"},"data":{"a":"1","a":"2"}}';
  const duplicate = failure(await h.call("POST", `${maps}?fieldValidation=Strict`, twice), 400);
  assert.match(duplicate.message ?? "", /strict decoding error: duplicate field "data.a"/);
  assert.equal(
    (await h.call("POST", `${maps}?fieldValidation=Ignore`, { ...odd, metadata: { name: "odd2" } })).headers
      .warning,
    undefined,
  );
});

test("dry run does everything but store", async () => {
  const before = h.store.revision;
  const dry = await h.call("POST", `${maps}?dryRun=All`, configMap("dry"));
  assert.equal(dry.status, 201);
  assert.ok(dry.body.metadata.uid);
  await h.call(
    "PATCH",
    `${maps}/made?dryRun=All`,
    { data: { b: "2" } },
    { "content-type": "application/merge-patch+json" },
  );
  await h.call("DELETE", `${maps}/made?dryRun=All`);
  assert.equal(h.store.revision, before);
  failure(await h.call("POST", `${maps}?dryRun=Some`, configMap("dry")), 422);
});

test("update: optimistic concurrency, identity, no-op", async () => {
  const { body: first } = await h.call("POST", maps, configMap("up", { a: "1" }));
  const second = await h.call("PUT", `${maps}/up`, { ...first, data: { a: "2" } });
  assert.equal(second.status, 200);
  const stale = failure(await h.call("PUT", `${maps}/up`, { ...first, data: { a: "3" } }), 409);
  assert.equal(
    stale.message,
    'Operation cannot be fulfilled on configmaps "up": the object has been modified; please apply your changes to the latest version and try again',
  );
  const same = await h.call("PUT", `${maps}/up`, second.body);
  assert.equal(same.body.metadata.resourceVersion, second.body.metadata.resourceVersion);
  const turned = Object.fromEntries(Object.entries(second.body).reverse());
  const sameAgain = await h.call("PUT", `${maps}/up`, turned);
  assert.equal(sameAgain.body.metadata.resourceVersion, second.body.metadata.resourceVersion);
  const unpinned = await h.call("PUT", `${maps}/up`, configMap("up", { a: "4" }));
  assert.equal(unpinned.body.metadata.uid, first.metadata.uid);
  assert.equal(unpinned.body.metadata.creationTimestamp, first.metadata.creationTimestamp);
  const stranger = {
    ...configMap("up"),
    metadata: { name: "up", uid: "00000000-0000-4000-8000-000000000000" },
  };
  assert.match(
    failure(await h.call("PUT", `${maps}/up`, stranger), 409).message ?? "",
    /Precondition failed: UID in precondition/,
  );
  const name = failure(await h.call("PUT", `${maps}/up`, configMap("down")), 400);
  assert.equal(name.message, "the name of the object (down) does not match the name on the URL (up)");
  failure(await h.call("PUT", `${maps}/absent`, configMap("absent")), 404);
});

test("patches: JSON, merge, strategic; fifty at once all succeed", async () => {
  await h.call("POST", pods, pod("patched"));
  const path = `${pods}/patched`;
  const strategic = await h.call(
    "PATCH",
    path,
    { spec: { containers: [{ name: "c", image: "new" }] } },
    { "content-type": "application/strategic-merge-patch+json" },
  );
  assert.equal(strategic.body.spec.containers[0].image, "new");
  assert.equal(strategic.body.spec.containers.length, 1);
  assert.equal(strategic.body.metadata.generation, 2);
  const json = await h.call("PATCH", path, [{ op: "add", path: "/metadata/labels", value: { a: "b" } }], {
    "content-type": "application/json-patch+json",
  });
  assert.deepEqual(json.body.metadata.labels, { a: "b" });
  assert.equal(json.body.metadata.generation, 2);
  const failed = failure(
    await h.call("PATCH", path, [{ op: "test", path: "/metadata/name", value: "no" }], {
      "content-type": "application/json-patch+json",
    }),
    422,
  );
  assert.equal(failed.message, "the server rejected our request due to an error in our request");
  failure(await h.call("PATCH", path, {}, { "content-type": "application/json" }), 415);
  const apply = failure(
    await h.call("PATCH", path, {}, { "content-type": "application/apply-patch+yaml" }),
    422,
  );
  assert.match(apply.message ?? "", /fieldManager: Required value: is required for apply patch/);
  await h.call("POST", maps, configMap("crowd"));
  await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      h.call(
        "PATCH",
        `${maps}/crowd`,
        { data: { [`k${i}`]: "v" } },
        { "content-type": "application/merge-patch+json" },
      ),
    ),
  );
  assert.equal(Object.keys((await h.call("GET", `${maps}/crowd`)).body.data).length, 50);
});

test("delete: preconditions, finalizers, propagation", async () => {
  const { body } = await h.call("POST", maps, {
    ...configMap("del"),
    metadata: { name: "del", finalizers: ["example.com/hold"] },
  });
  const wrong = { preconditions: { uid: "00000000-0000-4000-8000-000000000000" } };
  failure(await h.call("DELETE", `${maps}/del`, wrong), 409);
  const held = await h.call("DELETE", `${maps}/del`, { preconditions: { uid: body.metadata.uid } });
  assert.equal(held.body.metadata.deletionTimestamp, "2026-01-01T00:00:00Z");
  assert.equal(held.body.metadata.deletionGracePeriodSeconds, 0);
  const added = { metadata: { finalizers: ["example.com/hold", "example.com/more"] } };
  failure(
    await h.call("PATCH", `${maps}/del`, added, { "content-type": "application/merge-patch+json" }),
    422,
  );
  const released = await h.call(
    "PATCH",
    `${maps}/del`,
    { metadata: { finalizers: null } },
    { "content-type": "application/merge-patch+json" },
  );
  assert.equal(released.status, 200);
  failure(await h.call("GET", `${maps}/del`), 404);

  await h.call("POST", maps, configMap("plain"));
  const gone = await h.call("DELETE", `${maps}/plain`);
  assert.equal(gone.body.status, "Success");
  assert.equal(gone.body.details.kind, "configmaps");
  await h.call("POST", maps, configMap("fore"));
  const fore = await h.call("DELETE", `${maps}/fore?propagationPolicy=Foreground`);
  assert.deepEqual(fore.body.metadata.finalizers, ["foregroundDeletion"]);
  const background = await h.call("DELETE", `${maps}/fore`, { propagationPolicy: "Background" });
  assert.equal(background.body.status, "Success");
  failure(await h.call("DELETE", `${maps}/none`, { propagationPolicy: "Sideways" }), 422);
});

test("classes that every cluster has stay; a namespace says which one it is not", async () => {
  const path = "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical";
  assert.equal(
    failure(await h.call("DELETE", path), 403).message,
    'priorityclasses.scheduling.k8s.io "system-node-critical" is forbidden: this is a system priority class and cannot be deleted',
  );
  const own = "/apis/scheduling.k8s.io/v1/priorityclasses";
  await h.call("POST", own, { metadata: { name: "constructor" }, value: 1 });
  assert.equal((await h.call("DELETE", `${own}/constructor`)).status, 200);
  assert.match(
    failure(await h.call("DELETE", "/api/v1/namespaces/default", { preconditions: { uid: "x" } }), 409)
      .message ?? "",
    /on namespaces "default": Precondition failed: UID in precondition: x, UID in object meta: /,
  );
  assert.match(
    failure(
      await h.call("DELETE", "/api/v1/namespaces/default", { preconditions: { resourceVersion: "x" } }),
      409,
    ).message ?? "",
    /on namespaces "default": Precondition failed: ResourceVersion in precondition: x, ResourceVersion in object meta: \d+$/,
  );
});

test("a Service that becomes a name outside has no policy for traffic inside", async () => {
  const services = "/api/v1/namespaces/default/services";
  const made = await h.call("POST", services, { metadata: { name: "out" }, spec: { ports: [{ port: 80 }] } });
  assert.equal(made.body.spec.internalTrafficPolicy, "Cluster");
  const merge = { "content-type": "application/merge-patch+json" };
  const patch = { spec: { type: "ExternalName", externalName: "a.b" } };
  const { body } = await h.call("PATCH", `${services}/out`, patch, merge);
  assert.deepEqual([body.spec.type, body.spec.internalTrafficPolicy], ["ExternalName", undefined]);
});

test("pods go gracefully once they are on a node, and at once before", async () => {
  await h.call("POST", pods, pod("early"));
  assert.equal((await h.call("DELETE", `${pods}/early`)).body.kind, "Pod");
  failure(await h.call("GET", `${pods}/early`), 404);

  await h.call("POST", pods, pod("late"));
  const bound = await h.call("POST", `${pods}/late/binding`, {
    metadata: { name: "late" },
    target: { kind: "Node", name: "n1" },
  });
  assert.equal(bound.status, 201);
  const again = failure(
    await h.call("POST", `${pods}/late/binding`, { metadata: { name: "late" }, target: { name: "n2" } }),
    409,
  );
  assert.match(again.message ?? "", /pod late is already assigned to node "n1"/);
  const marked = (await h.call("DELETE", `${pods}/late`)).body;
  assert.equal(marked.metadata.deletionTimestamp, "2026-01-01T00:00:30Z");
  assert.equal(marked.metadata.deletionGracePeriodSeconds, 30);
  assert.equal(marked.metadata.generation, 2);
  const shorter = (await h.call("DELETE", `${pods}/late?gracePeriodSeconds=5`)).body;
  assert.equal(shorter.metadata.deletionTimestamp, "2026-01-01T00:00:05Z");
  await h.call("DELETE", `${pods}/late`, { gracePeriodSeconds: 0 });
  failure(await h.call("GET", `${pods}/late`), 404);
});

test("deletecollection takes what the selector names", async () => {
  for (const name of ["a", "b", "c"])
    await h.call("POST", maps, configMap(`col-${name}`, {}, { group: name === "c" ? "no" : "yes" }));
  const { body } = await h.call("DELETE", `${maps}?labelSelector=group%3Dyes`);
  assert.equal(body.kind, "ConfigMapList");
  assert.equal(body.items.length, 2);
  assert.equal((await h.call("GET", `${maps}?labelSelector=group`)).body.items.length, 1);
});

test("status and scale are views of their own", async () => {
  const deployments = "/apis/apps/v1/namespaces/default/deployments";
  const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const spec = { replicas: 2, selector: { matchLabels: { a: "b" } }, template };
  const { body } = await h.call("POST", deployments, {
    metadata: { name: "d" },
    spec,
    status: { replicas: 9 },
  });
  assert.equal(body.status.replicas, undefined);
  const status = await h.call("PUT", `${deployments}/d/status`, {
    ...body,
    spec: { ...spec, replicas: 7 },
    status: { replicas: 1 },
  });
  assert.deepEqual(
    [status.body.status.replicas, status.body.spec.replicas, status.body.metadata.generation],
    [1, 2, 1],
  );
  const scale = await h.call("GET", `${deployments}/d/scale`);
  assert.deepEqual(scale.body.spec, { replicas: 2 });
  assert.deepEqual(scale.body.status, { replicas: 1, selector: "a=b" });
  const scaled = await h.call(
    "PATCH",
    `${deployments}/d/scale`,
    { spec: { replicas: 5 } },
    { "content-type": "application/merge-patch+json" },
  );
  assert.equal(scaled.body.spec.replicas, 5);
  const after = (await h.call("GET", `${deployments}/d`)).body;
  assert.deepEqual([after.spec.replicas, after.metadata.generation], [5, 2]);
  failure(
    await h.call("PUT", `${deployments}/d/scale`, { metadata: { name: "d" }, spec: { replicas: -1 } }),
    422,
  );
  failure(await h.call("GET", `${maps}/made/status`), 404);
});

test("namespaces: content is refused while they go, and they go when they are empty", async () => {
  await h.call("POST", "/api/v1/namespaces", { metadata: { name: "temp" } });
  const going = (await h.call("DELETE", "/api/v1/namespaces/temp")).body;
  assert.equal(going.status.phase, "Terminating");
  const refused = failure(await h.call("POST", "/api/v1/namespaces/temp/configmaps", configMap("x")), 403);
  assert.equal(
    refused.message,
    'configmaps "x" is forbidden: unable to create new content in namespace temp because it is being terminated',
  );
  assert.equal(refused.details?.causes?.[0]?.reason, "NamespaceTerminating");
  await h.call("PUT", "/api/v1/namespaces/temp/finalize", { ...going, spec: { finalizers: [] } });
  failure(await h.call("GET", "/api/v1/namespaces/temp"), 404);
  const kept = failure(await h.call("DELETE", "/api/v1/namespaces/kube-system"), 403);
  assert.equal(kept.message, 'namespaces "kube-system" is forbidden: this namespace may not be deleted');
});

test("events are one thing in two spellings, and end by themselves", async () => {
  const made = await h.call("POST", "/api/v1/namespaces/default/events", {
    metadata: { name: "e1" },
    involvedObject: { kind: "Pod", namespace: "default", name: "p" },
    reason: "Because",
    message: "it happened",
    type: "Normal",
    count: 3,
  });
  assert.equal(made.status, 201, made.text);
  const other = await h.call("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e1");
  assert.deepEqual(
    [other.body.apiVersion, other.body.note, other.body.regarding.name, other.body.deprecatedCount],
    ["events.k8s.io/v1", "it happened", "p", 3],
  );
  const list = await h.call("GET", "/apis/events.k8s.io/v1/events");
  assert.equal(list.body.kind, "EventList");
  assert.equal(list.body.items[0].note, "it happened");
  h.clock.advance(3700 * 1000);
  await new Promise((resolve) => setImmediate(resolve));
  failure(await h.call("GET", "/api/v1/namespaces/default/events/e1"), 404);
});

test("what is valid is stored in its canonical form, by whichever version it came", async () => {
  const path = (version: string): string =>
    `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
  const behavior = (rules: object): Record<string, string> => ({
    "autoscaling.alpha.kubernetes.io/behavior": JSON.stringify({ ScaleUp: rules }),
  });
  const policies = [{ Type: "Pods", Value: 1, PeriodSeconds: 15 }];
  const spec = { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" }, maxReplicas: 3 };
  const put = (rules: object) => ({ metadata: { name: "canon", annotations: behavior(rules) }, spec });
  // Fields missing in v1 are validated as missing.
  failure(await h.call("POST", path("v1"), put({})), 422);
  const both = async (): Promise<string[]> => {
    const found = (await h.call("GET", `${path("v2")}/canon`)).body.spec.behavior;
    return [found.scaleUp.selectPolicy, found.scaleDown.policies[0].type];
  };
  assert.equal((await h.call("POST", path("v1"), put({ Policies: policies }))).status, 201);
  const asTable = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
  const table = (await h.call("GET", `${path("v1")}/canon`, undefined, asTable)).body;
  assert.equal(table.rows[0].object.metadata.annotations, undefined);
  assert.deepEqual(await both(), ["Max", "Percent"]);
  const changed = put({ Policies: policies, SelectPolicy: "Min" });
  assert.equal((await h.call("PUT", `${path("v1")}/canon`, changed)).status, 200);
  assert.deepEqual(await both(), ["Min", "Percent"]);
});

test("an object's place comes before its name, and the version of a new one after everything else", async () => {
  const say = async (method: string, path: string, metadata: object, status: number) =>
    failure(await h.call(method, path, { metadata }), status).message;
  const elsewhere = "the namespace of the provided object does not match the namespace sent on the request";
  assert.equal(await say("PUT", `${maps}/a`, { name: "b", namespace: "c" }, 400), elsewhere);
  assert.equal(await say("PUT", `${maps}/a`, { namespace: "c" }, 400), elsewhere);
  assert.match((await say("POST", maps, { name: "A b", resourceVersion: "5" }, 422)) ?? "", /metadata\.name/);
  const nowhere = "/api/v1/namespaces/none/configmaps";
  assert.match(
    (await say("POST", nowhere, { name: "a", resourceVersion: "5" }, 404)) ?? "",
    /"none" not found/,
  );
  assert.equal(
    await say("POST", maps, { name: "a", resourceVersion: "5" }, 500),
    "resourceVersion should not be set on objects to be created",
  );
  const none = await h.call("POST", maps, { metadata: { name: "no-version", resourceVersion: "x" } });
  assert.deepEqual([none.status, none.body.metadata.resourceVersion], [201, String(h.store.revision)]);
});

test("whoever may replace or patch needs to be allowed to create as well, where nothing is there yet", async (t) => {
  const asked: string[] = [];
  const own = await startHarness({
    authorizer: {
      authorize: ({ verb, resource, name }) => {
        asked.push(`${verb} ${resource} ${name}`);
        return { allowed: verb !== "create" || name !== "new", reason: "" };
      },
    },
  });
  t.after(() => own.close());
  const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "new" } };
  const why =
    'leases.coordination.k8s.io "new" is forbidden: User "admin" cannot create resource "leases" in API group "coordination.k8s.io" in the namespace "default"';
  const apply = { "content-type": "application/apply-patch+yaml" };
  const put = failure(await own.call("PUT", `${leases}/new`, lease), 403);
  assert.deepEqual([put.reason, put.message], ["Forbidden", why]);
  const url = `${leases}/new?fieldManager=m`;
  assert.equal(failure(await own.call("PATCH", url, lease, apply), 403).message, why);
  assert.equal(failure(await own.call("PATCH", `${url}&dryRun=All`, lease, apply), 403).message, why);
  failure(await own.call("GET", `${leases}/new`), 404);

  const old = { ...lease, metadata: { name: "old" } };
  assert.equal((await own.call("PATCH", `${leases}/old?fieldManager=m`, old, apply)).status, 201);
  asked.length = 0;
  assert.equal((await own.call("PATCH", `${leases}/old?fieldManager=m`, old, apply)).status, 200);
  assert.deepEqual(asked, ["patch leases old"], "what is there is not created");
});

test("the status of a pod takes no time of deletion: applied, it is nobody's", async () => {
  await h.call("POST", pods, pod("ended"));
  const metadata = { name: "ended", deletionTimestamp: "2020-01-01T00:00:00Z" };
  const config = { apiVersion: "v1", kind: "Pod", metadata, status: { message: "said" } };
  const { status, body } = await h.call("PATCH", `${pods}/ended/status?fieldManager=m`, config, {
    "content-type": "application/apply-patch+yaml",
  });
  assert.equal(status, 200, body.message);
  assert.deepEqual([body.metadata.deletionTimestamp, body.status.message], [undefined, "said"]);
});
