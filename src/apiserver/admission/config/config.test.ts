import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { AuditEvent } from "../../audit/event.ts";
import { auditBy, recorder } from "../../testing/audit.ts";
import { failure, type Harness, pod, startHarness } from "../../testing/harness.ts";
import { readAdmissionConfiguration } from "./admission-configuration.ts";

const config = "apiserver.config.k8s.io/v1";
const security = (more: object): object => ({
  apiVersion: "pod-security.admission.config.k8s.io/v1",
  kind: "PodSecurityConfiguration",
  ...more,
});

async function start(t: TestContext, plugin: string, told: object, more: object = {}): Promise<Harness> {
  const h = await startHarness({ pluginConfiguration: new Map([[plugin, told]]), ...more });
  t.after(() => h.close());
  for (const name of ["default", "other"]) {
    await h.call("POST", "/api/v1/namespaces", { metadata: { name } });
    await h.call("POST", `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: "default" } });
  }
  return h;
}

const create = (h: Harness, namespace: string, body: object) =>
  h.call("POST", `/api/v1/namespaces/${namespace}/pods`, body);
const privileged = (name: string, more: object = {}) => pod(name, { hostNetwork: true, ...more });

test("PodSecurity: namespaces that say nothing have the defaults, those that do their own", async (t) => {
  const h = await start(
    t,
    "PodSecurity",
    security({ defaults: { enforce: "baseline", "enforce-version": "v1.30" } }),
  );
  const refused = failure(await create(h, "default", privileged("p")), 403);
  assert.match(refused.message ?? "", /violates PodSecurity "baseline:v1\.30": host namespaces/);
  const labels = { "pod-security.kubernetes.io/enforce": "privileged" };
  await h.call("POST", "/api/v1/namespaces", { metadata: { name: "lax", labels } });
  await h.call("POST", "/api/v1/namespaces/lax/serviceaccounts", { metadata: { name: "default" } });
  assert.equal((await create(h, "lax", privileged("p"))).status, 201);
});

test("PodSecurity: exempt namespaces, users and classes are let through, which is recorded and counted", async (t) => {
  const events: AuditEvent[] = [];
  const told = security({
    defaults: { enforce: "baseline" },
    exemptions: { namespaces: ["other"], usernames: ["operator"], runtimeClasses: ["sandboxed"] },
  });
  const names = ["somebody"];
  const h = await start(t, "PodSecurity", told, {
    audit: auditBy(
      [{ level: "Metadata", resources: [{ resources: ["pods"] }] }],
      recorder((event) => events.push(event)),
    ),
    authenticator: { authenticate: () => ({ name: names[0], groups: ["system:masters"] }) },
  });
  await h.call("POST", "/apis/node.k8s.io/v1/runtimeclasses", {
    metadata: { name: "sandboxed" },
    handler: "x",
  });
  const exempt = (): string | undefined => events.at(-1)?.annotations?.["pod-security.kubernetes.io/exempt"];
  failure(await create(h, "default", privileged("p")), 403);
  assert.equal(exempt(), undefined);
  assert.equal((await create(h, "other", privileged("p"))).status, 201);
  assert.equal(exempt(), "namespace");
  assert.equal((await create(h, "default", privileged("q", { runtimeClassName: "sandboxed" }))).status, 201);
  assert.equal(exempt(), "runtimeClass");
  names[0] = "operator";
  assert.equal((await create(h, "default", privileged("r"))).status, 201);
  assert.equal(exempt(), "user");
  assert.match(
    (await h.call("GET", "/metrics")).text,
    /^pod_security_exemptions_total\{request_operation="create",resource="pod",subresource=""\} 3$/m,
  );
  const labelled = await h.call(
    "PATCH",
    "/api/v1/namespaces/other",
    { metadata: { labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
    { "content-type": "application/merge-patch+json" },
  );
  assert.equal(
    labelled.headers["warning"],
    '299 - "namespace \\"other\\" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored"',
  );
});

test("ResourceQuota: what is limited is used only where a quota counts it", async (t) => {
  const h = await start(t, "ResourceQuota", {
    apiVersion: config,
    kind: "ResourceQuotaConfiguration",
    limitedResources: [
      {
        resource: "persistentvolumeclaims",
        matchContains: ["gold.storageclass.storage.k8s.io/requests.storage"],
      },
      {
        resource: "pods",
        matchScopes: [{ scopeName: "PriorityClass", operator: "In", values: ["critical"] }],
      },
    ],
  });
  const claim = (name: string, storageClassName: string) =>
    h.call("POST", "/api/v1/namespaces/default/persistentvolumeclaims", {
      metadata: { name },
      spec: { storageClassName, accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    });
  assert.equal((await claim("a", "silver")).status, 201);
  const gold = "gold.storageclass.storage.k8s.io/requests.storage";
  assert.equal(
    failure(await claim("b", "gold"), 403).message,
    `persistentvolumeclaims "b" is forbidden: insufficient quota to consume: ${gold}`,
  );
  await h.call("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", {
    metadata: { name: "critical" },
    value: 7,
  });
  const critical = await create(h, "default", pod("p", { priorityClassName: "critical" }));
  assert.deepEqual(
    [critical.status, critical.body.message],
    [500, "insufficient quota to match these scopes: [{PriorityClass In [critical]}]"],
  );
  assert.equal((await create(h, "default", pod("q"))).status, 201);
  for (const [name, spec] of [
    ["claims", { hard: { [gold]: "5Gi" } }],
    [
      "critical",
      {
        hard: { pods: "5" },
        scopeSelector: {
          matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["critical"] }],
        },
      },
    ],
  ] as const) {
    const quotas = "/api/v1/namespaces/default/resourcequotas";
    const made = await h.call("POST", quotas, { metadata: { name }, spec });
    const used = Object.fromEntries(Object.keys(spec.hard).map((each) => [each, "0"]));
    await h.call("PUT", `${quotas}/${name}/status`, { ...made.body, status: { hard: spec.hard, used } });
  }
  assert.equal((await claim("b", "gold")).status, 201);
  assert.equal((await create(h, "default", pod("p", { priorityClassName: "critical" }))).status, 201);
});

test("what plugins are told is held to its form", async () => {
  const problem = (value: object): string => {
    try {
      readAdmissionConfiguration(value);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const kind = "AdmissionConfiguration";
  assert.deepEqual(
    readAdmissionConfiguration({ apiVersion: config, kind, plugins: [{ name: "a", path: "b" }] }),
    [{ name: "a", path: "b", configuration: undefined }],
  );
  assert.equal(problem({ apiVersion: "v1", kind: "Foo" }), 'no kind "Foo" is registered for version "v1"');
  assert.equal(
    problem({ apiVersion: config, kind, plugin: [] }),
    'strict decoding error: unknown field "plugin"',
  );
  const told = (plugin: string, value: object) =>
    startHarness({ pluginConfiguration: new Map([[plugin, value]]) });
  await assert.rejects(
    told("PodSecurity", security({ defaults: { enforce: "foo", "warn-version": "v2" } })),
    {
      message:
        'PodSecurity configuration error: [enforce: must be one of privileged, baseline, restricted, warn-version: must be "latest" or "v1.x"]',
    },
  );
  await assert.rejects(
    told("PodSecurity", security({ exemptions: { namespaces: ["A", "b", "b"], usernames: [""] } })),
    /namespaces\[0\]: Invalid value: "A", exemptions\.namespaces\[2\]: Duplicate value: "b", exemptions\.usernames\[0\]: Invalid value: ""/,
  );
  const kindOfQuota = { apiVersion: config, kind: "ResourceQuotaConfiguration" };
  await assert.rejects(told("ResourceQuota", { ...kindOfQuota, limitedResources: [{ apiGroup: "" }] }), {
    message: "limitedResources[0].resource: Required value",
  });
});
