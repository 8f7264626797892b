import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { auditBy, recorder } from "../testing/audit.ts";
import { configMap, type Harness, pod, startHarness } from "../testing/harness.ts";
import type { AuditEvent } from "./event.ts";
import { AuditPolicy } from "./policy.ts";

const file = (rules: object[]): object => ({ apiVersion: "audit.k8s.io/v1", kind: "Policy", rules });

const maps = "/api/v1/namespaces/default/configmaps";

/** A server with this audit policy; `events` are those about ConfigMaps and non-resource paths. */
async function recorded(
  t: TestContext,
  rules: object[],
  more: { policy?: object; authorizer?: object } = {},
): Promise<{ h: Harness; events: AuditEvent[] }> {
  const events: AuditEvent[] = [];
  const audit = auditBy(
    rules,
    recorder((event) => events.push(event)),
    more.policy ? { policy: more.policy } : {},
  );
  const h = await startHarness({
    audit,
    ...(more.authorizer ? { authorizer: more.authorizer as never } : {}),
  });
  t.after(() => h.close());
  return { h, events };
}

test("requests count by how much is recorded of them, be it nothing", async (t) => {
  const { h } = await recorded(t, [
    { level: "Request", verbs: ["create"], resources: [{ resources: ["configmaps"] }] },
    { level: "Metadata", verbs: ["get"], resources: [{ resources: ["configmaps"] }] },
    { level: "None" },
  ]);
  const levels = async () => {
    const { text } = await h.call("GET", "/metrics");
    return ["Request", "Metadata", "None"].map((level) =>
      Number(
        new RegExp(`^apiserver_audit_level_total\\{level="${level}"\\} (\\d+)$`, "m").exec(text)?.[1] ?? 0,
      ),
    );
  };
  const before = await levels();
  await h.call("POST", maps, configMap("a"));
  await h.call("GET", `${maps}/a`);
  await h.call("GET", `${maps}/a`);
  await h.call("DELETE", `${maps}/a`);
  const now = await levels();
  // The deletion and the reads of metrics are not recorded.
  assert.deepEqual(
    now.map((each, i) => each - (before[i] as number)),
    [1, 2, 2],
  );
});

test("an event says who did what to what, and how it ended", async (t) => {
  const { h, events } = await recorded(t, [{ level: "Metadata" }]);
  const answer = await h.call("POST", maps, configMap("a"), { "audit-id": "mine", "user-agent": "me/1" });
  assert.equal(answer.headers["audit-id"], "mine");
  assert.deepEqual(
    events.map(({ stage }) => stage),
    ["RequestReceived", "ResponseComplete"],
  );
  assert.deepEqual(events[1], {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: "mine",
    stage: "ResponseComplete",
    requestURI: maps,
    verb: "create",
    user: { username: "admin", groups: ["system:masters"] },
    sourceIPs: ["127.0.0.1"],
    userAgent: "me/1",
    objectRef: { resource: "configmaps", namespace: "default", apiVersion: "v1", name: "a" },
    responseStatus: { metadata: {}, code: 201 },
    requestReceivedTimestamp: "1970-01-01T00:00:00.000000Z",
    stageTimestamp: "1970-01-01T00:00:00.000000Z",
    annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
  });
});

test("levels tell how much of the objects is recorded; managed fields can stay out", async (t) => {
  const { h, events } = await recorded(
    t,
    [
      { level: "None", verbs: ["get"] },
      { level: "Request", verbs: ["update"], omitStages: ["RequestReceived"] },
      { level: "RequestResponse", omitManagedFields: true },
    ],
    { policy: { omitStages: ["ResponseStarted"] } },
  );
  await h.call("POST", maps, configMap("a", { k: "v" }));
  await h.call("GET", `${maps}/a`);
  await h.call("PUT", `${maps}/a`, configMap("a", { k: "w" }));
  assert.deepEqual(
    events.map(({ verb, stage }) => `${verb} ${stage}`),
    ["create RequestReceived", "create ResponseComplete", "update ResponseComplete"],
  );
  const [, created, updated] = events as [AuditEvent, AuditEvent, AuditEvent];
  assert.deepEqual((created.requestObject as { data: object }).data, { k: "v" });
  const response = created.responseObject as { metadata: { uid?: string; managedFields?: unknown } };
  assert.ok(response.metadata.uid);
  assert.equal(response.metadata.managedFields, undefined);
  assert.deepEqual((updated.requestObject as { data: object }).data, { k: "w" });
  assert.equal(updated.responseObject, undefined);
});

test("a request that no authorizer could decide on is recorded without a decision", async (t) => {
  const { h, events } = await recorded(t, [{ level: "Metadata", omitStages: ["RequestReceived"] }], {
    authorizer: { authorize: () => ({ allowed: false, reason: "no", error: "down" }) },
  });
  const { text } = await h.call("GET", maps);
  assert.equal(text, `Internal Server Error: ${JSON.stringify(maps)}: down\n`);
  assert.deepEqual(events[0]?.responseStatus, { metadata: {}, code: 500 });
  assert.deepEqual(events[0]?.annotations, { "authorization.k8s.io/reason": "internal error" });
});

test("failures are recorded with their Status, refusals with the decision, and tries without a user too", async (t) => {
  const { h, events } = await recorded(t, [{ level: "Metadata", omitStages: ["RequestReceived"] }], {
    authorizer: {
      authorize: ({ path }: { path: string }) => ({ allowed: !path.includes("secret"), reason: "because" }),
    },
  });
  await h.call("GET", `${maps}/none`);
  await h.call("GET", "/api/v1/namespaces/default/secrets/x");
  const [missing, refused] = events as [AuditEvent, AuditEvent];
  assert.deepEqual(missing.responseStatus, {
    metadata: {},
    status: "Failure",
    message: 'configmaps "none" not found',
    reason: "NotFound",
    details: { name: "none", kind: "configmaps" },
    code: 404,
  });
  assert.deepEqual(refused.annotations, {
    "authorization.k8s.io/decision": "forbid",
    "authorization.k8s.io/reason": "because",
  });
});

test("what admission finds is noted", async (t) => {
  const { h, events } = await recorded(t, [
    { level: "Metadata", resources: [{ group: "", resources: ["pods"] }] },
  ]);
  const labels = {
    "pod-security.kubernetes.io/enforce": "baseline",
    "pod-security.kubernetes.io/audit": "restricted",
  };
  await h.call("POST", "/api/v1/namespaces", { metadata: { name: "n", labels } });
  await h.call("POST", "/api/v1/namespaces/n/serviceaccounts", { metadata: { name: "default" } });
  assert.equal((await h.call("POST", "/api/v1/namespaces/n/pods", pod("p"))).status, 201);
  const annotations = events.at(-1)?.annotations ?? {};
  assert.equal(annotations["pod-security.kubernetes.io/enforce-policy"], "baseline:latest");
  assert.match(
    annotations["pod-security.kubernetes.io/audit-violations"] ?? "",
    /^would violate PodSecurity "restricted:latest": allowPrivilegeEscalation/,
  );
});

test("a watch is recorded when it begins and when it ends", async (t) => {
  const { h, events } = await recorded(t, [{ level: "Metadata", verbs: ["watch"] }]);
  const watch = await h.watch(`${maps}?watch=true`);
  assert.deepEqual(
    events.map(({ stage }) => stage),
    ["RequestReceived", "ResponseStarted"],
  );
  const end = watch.next();
  watch.close();
  await end.catch(() => {});
  assert.equal(events.at(-1)?.stage, "ResponseComplete");
});

test("the first rule that matches decides", () => {
  const policy = new AuditPolicy(
    file([
      { level: "None", users: ["quiet"] },
      { level: "Request", userGroups: ["g"], namespaces: ["n"] },
      { level: "Metadata", resources: [{ group: "", resources: ["pods/*"], resourceNames: ["p"] }] },
      { level: "RequestResponse", resources: [{ group: "*", resources: ["*/status"] }] },
      { level: "Metadata", nonResourceURLs: ["/healthz*"] },
    ]),
  );
  const level = (more: object): string =>
    policy.evaluate({
      user: { name: "u", groups: [] },
      verb: "get",
      apiGroup: "",
      apiVersion: "v1",
      resource: "pods",
      subresource: "",
      namespace: "",
      name: "",
      path: "",
      isResource: true,
      ...more,
    }).level;
  assert.equal(level({ user: { name: "quiet", groups: ["g"] }, namespace: "n" }), "None");
  assert.equal(level({ user: { name: "u", groups: ["g"] }, namespace: "n" }), "Request");
  assert.equal(level({ subresource: "log", name: "p" }), "Metadata");
  assert.equal(level({ subresource: "log", name: "q" }), "None");
  assert.equal(
    level({ apiGroup: "apps", resource: "deployments", subresource: "status" }),
    "RequestResponse",
  );
  assert.equal(level({ isResource: false, resource: "", path: "/healthz/ping" }), "Metadata");
  assert.equal(level({ isResource: false, resource: "", path: "/version" }), "None");
});

test("a policy's mistakes are named", () => {
  assert.throws(() => new AuditPolicy({ kind: "Policy", apiVersion: "audit.k8s.io/v1" }), /0 rules/);
  assert.throws(
    () =>
      new AuditPolicy(
        file([{ level: "Loud" }, { level: "None", nonResourceURLs: ["x"], omitStages: ["Y"] }]),
      ),
    /rules\[0\]\.level.*rules\[1\]\.omitStages\[0\].*must begin with a '\/'/,
  );
});
