/** Tables and partial objects: which requests return them, of what, and when they are refused too late. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { negotiate } from "../codec/negotiate.ts";
import type { RequestInfo } from "../contract.ts";
import { specialOffer } from "../offers.ts";
import { configMap, failure, type Harness, pod, startHarness } from "../testing/harness.ts";
import { goTypeOf } from "../registry/go-type.ts";
import { shaped } from "./output.ts";

let h: Harness;
const core = "/api/v1/namespaces/default";
const maps = `${core}/configmaps`;
const as = (kind: string): { accept: string } => ({
  accept: `application/json;as=${kind};v=v1;g=meta.k8s.io`,
});
const table = as("Table");
const partial = as("PartialObjectMetadata");
const partialList = as("PartialObjectMetadataList");

before(async () => {
  h = await startHarness();
  await h.call("POST", `${core}/serviceaccounts`, { metadata: { name: "default" } });
});
after(() => h.close());

test("a write is done before its answer can be refused", async () => {
  const answered = await h.call("POST", maps, configMap("a"), partialList);
  assert.equal(
    failure(answered, 406).message,
    "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)",
  );
  failure(await h.call("POST", maps, configMap("a"), partialList), 409);
  const deleted = await h.call("DELETE", `${maps}/a`, undefined, partialList);
  assert.deepEqual([deleted.status, deleted.body.kind], [200, "Status"]);
});

test("collections that go are shown as any list, the objects as they were", async () => {
  for (const name of ["b", "c"]) await h.call("POST", maps, { ...configMap(name, { k: "v" }) });
  const shown = await h.call("DELETE", `${maps}?dryRun=All`, undefined, table);
  assert.equal(shown.body.kind, "Table");
  assert.deepEqual(
    shown.body.rows.map(({ cells }: { cells: unknown[] }) => cells.slice(0, 2)),
    [
      ["b", 1],
      ["c", 1],
    ],
  );
  assert.match(
    failure(await h.call("DELETE", `${maps}?dryRun=All`, undefined, partial), 406).message as string,
    /object is a list \(\*core.ConfigMapList\)$/,
  );
  const held = { ...configMap("d"), metadata: { name: "d", finalizers: ["example.com/held"] } };
  await h.call("POST", maps, held);
  const gone = await h.call("DELETE", maps);
  assert.deepEqual(
    gone.body.items.map(
      ({ metadata }: { metadata: { deletionTimestamp?: string } }) => metadata.deletionTimestamp,
    ),
    [undefined, undefined, undefined],
  );
  await h.call("PATCH", `${maps}/d`, '{"metadata":{"finalizers":null}}', {
    "content-type": "application/merge-patch+json",
  });
  const none = await h.call("GET", maps, undefined, partialList);
  assert.equal(none.body.items, null);
});

test("what is not there is told before anybody looks at what is accepted", async () => {
  await h.call("POST", `${core}/pods`, pod("p"));
  const odd = { accept: "text/html" };
  failure(await h.call("GET", `${core}/pods/p/scale`, undefined, odd), 404);
  failure(await h.call("DELETE", `${core}/pods/p/status`, undefined, odd), 405);
  const warned = async (accept: string): Promise<boolean> => {
    const told = await h.call("GET", `${core}/endpoints`, undefined, { accept });
    failure(told, 406);
    return told.headers.warning !== undefined;
  };
  assert.equal(await warned("text/html"), false);
  assert.equal(await warned("application/json;as=Nothing;v=v1;g=meta.k8s.io"), true);
});

test("some subresources make no tables", async () => {
  assert.equal((await h.call("GET", `${core}/pods/p/status`, undefined, table)).body.kind, "Table");
  for (const each of ["ephemeralcontainers", "resize"])
    failure(await h.call("GET", `${core}/pods/p/${each}`, undefined, table), 406);
});

test("what is not stored makes no tables, but shows its metadata", () => {
  const offer = specialOffer({ subresource: "" } as RequestInfo);
  assert.throws(() => negotiate(table.accept, false, offer), /only the following media types/);
  const review = { kind: "SelfSubjectAccessReview", apiVersion: "authorization.k8s.io/v1", metadata: {} };
  const named = goTypeOf({ group: "authorization.k8s.io", kind: review.kind });
  const shown = (accept: string): object => shaped(review, negotiate(accept, false, offer), named);
  assert.deepEqual(shown(partial.accept), {
    kind: "PartialObjectMetadata",
    apiVersion: "meta.k8s.io/v1",
    metadata: {},
  });
  assert.throws(() => shown(partialList.accept), /\(\*authorization.SelfSubjectAccessReview\)$/);
});

test("names of parameters are taken as they are written", async () => {
  const odd = { accept: "application/json;AS=Table;V=v1;G=meta.k8s.io" };
  assert.equal((await h.call("GET", `${core}/pods`, undefined, odd)).body.kind, "PodList");
});

test("logs name text among what they are", () => {
  const offer = specialOffer({ subresource: "log" } as RequestInfo);
  const refused = (accept: string): string => {
    try {
      negotiate(accept, false, offer);
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  assert.match(refused("text/html"), /Available representations: text\/plain, application\/json/);
  assert.match(refused("text/plain"), /^only the following media types/);
  assert.equal(specialOffer({ subresource: "exec" } as RequestInfo), undefined);
});

test("a daemon set's metadata alone lacks what stands for a field", async () => {
  const selector = { matchLabels: { a: "b" } };
  const template = {
    metadata: { labels: { a: "b" } },
    spec: { containers: [{ name: "c", image: "i" }] },
  };
  const sets = "/apis/apps/v1/namespaces/default/daemonsets";
  await h.call("POST", sets, { metadata: { name: "d" }, spec: { selector, template } });
  const name = "deprecated.daemonset.template.generation";
  assert.equal((await h.call("GET", `${sets}/d`)).body.metadata.annotations[name], "1");
  assert.equal((await h.call("GET", `${sets}/d`, undefined, partial)).body.metadata.annotations, undefined);
  const { rows } = (await h.call("GET", sets, undefined, table)).body;
  assert.equal(rows[0].object.metadata.annotations, undefined);
  const whole = (await h.call("GET", `${sets}?includeObject=Object`, undefined, table)).body.rows[0].object;
  assert.equal(whole.metadata.annotations[name], "1");
});

test("an empty table of a kind without columns of its own has null for rows", async () => {
  const rows = async (path: string): Promise<unknown> =>
    (await h.call("GET", `${path}?labelSelector=none`, undefined, table)).body.rows;
  assert.equal(await rows("/apis/rbac.authorization.k8s.io/v1/clusterroles"), null);
  assert.equal(await rows(`${core}/limitranges`), null);
  assert.deepEqual(await rows(`${core}/pods`), []);
});

test("rows of pods that have ended say so", async () => {
  const { body } = await h.call("GET", `${core}/pods/p`);
  const status = { phase: "Failed" };
  const done = await h.call("PUT", `${core}/pods/p/status?includeObject=None`, { ...body, status }, table);
  assert.deepEqual(done.body.rows[0].conditions, [
    { type: "Completed", status: "True", reason: "Failed", message: "The pod failed." },
  ]);
  assert.deepEqual(Object.keys(done.body.rows[0]), ["cells", "conditions", "object"]);
});

test("a bookmark is an empty object, with what Go writes always", async () => {
  const watch = await h.watch(`/api/v1/nodes?watch=1&allowWatchBookmarks=1&timeoutSeconds=60`);
  const bookmark = await watch.next();
  watch.close();
  assert.equal(bookmark?.type, "BOOKMARK");
  assert.deepEqual(bookmark?.object.spec, {});
  assert.deepEqual(bookmark?.object.status.daemonEndpoints, { kubeletEndpoint: { Port: 0 } });
});

test("an older spelling's table goes by what is stored, and its metadata shows no fields", async () => {
  const path = (version: string): string =>
    `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
  const metrics = [
    {
      type: "Resource",
      resource: { name: "memory", target: { type: "Utilization", averageUtilization: 70 } },
    },
    { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } },
  ];
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "d" };
  await h.call("POST", path("v2"), {
    metadata: { name: "s" },
    spec: { scaleTargetRef, maxReplicas: 3, metrics },
  });
  const shown = "memory: <unknown>/70%, cpu: <unknown>/50%";
  for (const version of ["v1", "v2"])
    for (const place of ["", "/s"]) {
      const { rows } = (await h.call("GET", path(version) + place, undefined, table)).body;
      assert.equal(rows[0].cells[2], shown, version + place);
    }
  assert.ok((await h.call("GET", `${path("v1")}/s`)).body.metadata.annotations);
  assert.equal(
    (await h.call("GET", `${path("v1")}/s`, undefined, partial)).body.metadata.annotations,
    undefined,
  );
});

test("rows of FlowSchemas stand in the order in which those are tried", async () => {
  const { body } = await h.call("GET", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", undefined, table);
  const names = body.rows.map(({ cells }: { cells: unknown[] }) => cells[0]);
  assert.deepEqual(names.slice(0, 3), ["exempt", "probes", "system-leader-election"]);
  assert.deepEqual(names.slice(-2), ["global-default", "catch-all"]);
});
