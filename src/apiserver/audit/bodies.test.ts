import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { auditBy, recorder } from "../testing/audit.ts";
import { configMap, type Harness, startHarness } from "../testing/harness.ts";
import type { AuditEvent } from "./event.ts";

const maps = "/api/v1/namespaces/default/configmaps";

interface Bodies extends Omit<AuditEvent, "requestObject" | "responseObject"> {
  // biome-ignore lint/suspicious/noExplicitAny: looked into by tests
  requestObject?: any;
  // biome-ignore lint/suspicious/noExplicitAny: looked into by tests
  responseObject?: any;
}

/** A server that records everything; `last` is the last event. */
async function recorded(t: TestContext): Promise<{ h: Harness; events: AuditEvent[]; last(): Bodies }> {
  const events: AuditEvent[] = [];
  const audit = auditBy(
    [{ level: "RequestResponse" }],
    recorder((event) => events.push(structuredClone(event))),
    { policy: { omitStages: ["RequestReceived"], omitManagedFields: true } },
  );
  const h = await startHarness({ audit });
  t.after(() => h.close());
  return { h, events, last: () => events.at(-1) as AuditEvent };
}

test("what was asked for is recorded as it was read, with defaults and before anybody changed it", async (t) => {
  const { h, last } = await recorded(t);
  await h.call("POST", "/api/v1/namespaces/default/secrets", {
    metadata: { name: "s" },
    stringData: { a: "b" },
    odd: 1,
  });
  assert.deepEqual(last().requestObject, {
    kind: "Secret",
    apiVersion: "v1",
    metadata: { name: "s" },
    data: { a: "Yg==" },
    type: "Opaque",
  });
  await h.call("PUT", `${maps}/none`, {
    metadata: { name: "none", resourceVersion: "7", uid: "u" },
    data: {},
  });
  assert.deepEqual(last().requestObject, {
    kind: "ConfigMap",
    apiVersion: "v1",
    metadata: { name: "none", uid: "u", resourceVersion: "7" },
  });
  const { uid, resourceVersion } = last().objectRef ?? {};
  assert.deepEqual([uid, resourceVersion], ["u", "7"]);
  await h.call("POST", "/apis/events.k8s.io/v1/namespaces/default/events", {
    metadata: { name: "e" },
    eventTime: "2020-01-01T00:00:00.000000Z",
    reportingController: "x/y",
    reportingInstance: "z",
    action: "a",
    reason: "r",
    type: "Normal",
    regarding: { kind: "Pod", namespace: "default", name: "p" },
  });
  assert.equal(last().requestObject.apiVersion, "events.k8s.io/v1");
  assert.deepEqual(last().requestObject.regarding, { kind: "Pod", namespace: "default", name: "p" });
});

test("of a body that could not be read nothing is recorded", async (t) => {
  const { h, last } = await recorded(t);
  const answer = await h.call("POST", maps, { kind: "Pod", apiVersion: "v1", metadata: { name: "x" } });
  assert.equal(answer.status, 400);
  assert.equal(last().requestObject, undefined);
  assert.equal(last().objectRef?.name, undefined);
});

test("options of a deletion are recorded in the form that the original has inside, patches as they came", async (t) => {
  const { h, last } = await recorded(t);
  await h.call("POST", maps, configMap("a"));
  const patch = { metadata: { managedFields: null }, data: { k: "v" } };
  await h.call("PATCH", `${maps}/a`, patch, { "content-type": "application/merge-patch+json" });
  assert.deepEqual(last().requestObject, patch);
  await h.call("DELETE", `${maps}/a`, { propagationPolicy: "Background" });
  assert.deepEqual(last().requestObject, {
    kind: "DeleteOptions",
    apiVersion: "meta.k8s.io/__internal",
    propagationPolicy: "Background",
  });
  assert.equal(last().objectRef?.name, "a");
});

test("answers are recorded whole: tables without who owns what, long lists, failures of what lasts", async (t) => {
  const { h, events, last } = await recorded(t);
  const long = "v".repeat(400_000);
  for (const name of ["a", "b", "c"]) await h.call("POST", maps, configMap(name, { long }));
  await h.call("GET", maps);
  const lists = events.filter(({ verb }) => verb === "list");
  const list = lists.at(-1)?.responseObject as { items: { metadata: { managedFields?: unknown } }[] };
  assert.equal(list.items.length, 3);
  assert.ok(list.items.every(({ metadata }) => metadata.managedFields === undefined));
  await h.call("GET", maps, undefined, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
  assert.equal(last().responseObject.rows.length, 3);
  assert.equal(last().responseObject.rows[0].object.metadata.managedFields, undefined);
  await h.call("GET", `${maps}?watch=true&labelSelector=%21`);
  assert.deepEqual(
    events.slice(-2).map(({ stage }) => stage),
    ["ResponseStarted", "ResponseComplete"],
  );
  assert.equal(last().responseObject.code, 400);
  assert.equal((last().responseStatus as { reason?: string }).reason, "BadRequest");
  await h.call("GET", "/version");
  assert.equal(last().responseObject, undefined);
  await h.call("GET", "/apis/apps/v1");
  assert.equal(last().responseObject.kind, "APIResourceList");
});

test("what comes again and again is recorded each time", async (t) => {
  const { h, last } = await recorded(t);
  await h.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  const pod = { metadata: { generateName: "p-" }, spec: { containers: [{ name: "c", image: "i" }] } };
  for (let i = 0; i < 4; i++) {
    await h.call("POST", "/api/v1/namespaces/default/pods", pod);
    assert.equal(last().requestObject?.metadata.generateName, "p-");
  }
});

test("a long list is recorded once it has gone out, whether anything of it is read or not", async (t) => {
  const { h, last } = await recorded(t);
  for (const name of ["a", "b"]) await h.call("POST", maps, configMap(name, { text: "x".repeat(200_000) }));
  await h.call("GET", maps);
  assert.deepEqual([last().verb, last().stage], ["list", "ResponseComplete"]);
  assert.equal(last().responseObject?.items.length, 2);
});
