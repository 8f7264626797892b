import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Pod } from "../../api/index.ts";
import { openMemoryStore } from "../../store/index.ts";
import { FakeClock } from "../../testing/index.ts";
import { type Answered, apply, freeze, type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
before(async () => {
  h = await startHarness();
  await h.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
});
after(() => h.close());

const path = "/api/v1/namespaces/default/pods/p";
const stored = (): Pod => h.server.objects.get<Pod>("", "pods", "default", "p") as Pod;

const types: Record<string, string> = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
};
const patch = (type: string, body: unknown, at = path): Promise<Answered> =>
  h.call("PATCH", at, body, { "content-type": types[type] as string });

beforeEach(async () => {
  await h.call("DELETE", `${path}?gracePeriodSeconds=0`);
  const pod = {
    metadata: { name: "p", labels: { app: "web" } },
    spec: {
      hostNetwork: true,
      volumes: [{ name: "e", emptyDir: {} }],
      tolerations: [{ key: "k", operator: "Exists" }],
      containers: [
        {
          name: "c",
          image: "i",
          resources: { limits: { cpu: "100m", "example.com/x": 1 } },
          ports: [{ containerPort: 80 }],
          livenessProbe: { httpGet: { port: 80 } },
          env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
        },
      ],
    },
  };
  assert.equal((await h.call("POST", "/api/v1/namespaces/default/pods", pod)).status, 201);
  const status = { status: { phase: "Running", podIP: "10.0.0.1", podIPs: [{ ip: "10.0.0.1" }] } };
  assert.equal((await patch("strategic", status, `${path}/status`)).status, 200);
  const { spec, status: now } = stored();
  freeze(spec);
  freeze(now);
});

test("what a change leaves as it was is the stored part itself, and nothing is written into it", async () => {
  const changes: [string, () => Promise<Answered>][] = [
    ["merge", () => patch("merge", { metadata: { labels: { n: "1" } } })],
    ["strategic", () => patch("strategic", { metadata: { annotations: { n: "1" } } })],
    ["json", () => patch("json", [{ op: "add", path: "/metadata/labels/j", value: "1" }])],
    ["equal", () => patch("merge", { metadata: { labels: { n: "2" } }, spec: { hostNetwork: true } })],
    [
      "PUT",
      async () => {
        const { body } = await h.call("GET", path);
        return h.call("PUT", path, { ...body, metadata: { ...body.metadata, labels: { put: "1" } } });
      },
    ],
    ["apply", () => apply(h, path, "m", { apiVersion: "v1", kind: "Pod", metadata: { labels: { a: "1" } } })],
  ];
  for (const [name, change] of changes) {
    const was = stored();
    const before = await h.call("GET", path);
    const answer = await change();
    assert.equal(answer.status, 200, `${name}: ${answer.text}`);
    const is = stored();
    assert.notEqual(is, was, name);
    assert.equal(is.spec, was.spec, name);
    assert.equal(is.status, was.status, name);
    assert.deepEqual(answer.body.spec, before.body.spec, name);
    assert.deepEqual((await h.call("GET", path)).body, answer.body, name);
  }
});

test("a part that changes is another one, and the other part is not", async () => {
  const was = stored();
  const conditions = [{ type: "Ready", status: "True" }];
  assert.equal((await patch("strategic", { status: { conditions } }, `${path}/status`)).status, 200);
  const ready = stored();
  assert.equal(ready.spec, was.spec);
  assert.equal(was.status?.conditions, undefined);
  assert.equal(ready.status?.conditions?.[0]?.type, "Ready");
  assert.equal((await patch("merge", { spec: { activeDeadlineSeconds: 5 } })).status, 200);
  const late = stored();
  assert.equal(was.spec?.activeDeadlineSeconds, undefined);
  assert.equal(late.spec?.activeDeadlineSeconds, 5);
  // Existing errors stay, and additions of an admission plugin do not change the stored object.
  const refused = await patch("merge", { spec: { hostNetwork: false } });
  assert.equal(refused.status, 422);
  assert.equal(stored().spec, late.spec);
  const kept = (await h.call("GET", path)).body;
  const tolerations = kept.spec.tolerations.slice(0, 1);
  const less = await patch("merge", { spec: { tolerations } });
  assert.equal(less.status, 200, less.text);
  assert.deepEqual(less.body.spec.tolerations, [
    tolerations[0],
    ...["not-ready", "unreachable"].map((name) => ({
      key: `node.kubernetes.io/${name}`,
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: 300,
    })),
  ]);
});

test("a patch that makes something else of it leaves the pod as it was", async () => {
  const before = await h.call("GET", path);
  const was = stored();
  for (const change of [
    { kind: "Service" },
    { apiVersion: "v2" },
    { apiVersion: "apps/v1", kind: "Deployment" },
    { kind: "Secret", spec: null },
    { kind: null },
    { apiVersion: null },
    { metadata: null },
    { metadata: { name: "other" } },
    { spec: null },
    { spec: [] },
    { status: [] },
  ]) {
    const said = JSON.stringify(change);
    const merged = await patch("merge", change);
    const merging = await patch("strategic", change);
    const operations = Object.entries(change).map(([name, value]) =>
      value === null ? { op: "remove", path: `/${name}` } : { op: "replace", path: `/${name}`, value },
    );
    const edited = await patch("json", operations);
    for (const { status, text } of [merged, merging, edited])
      assert.ok(status === 200 || !/Cannot (?:add|assign|delete)/.test(text), `${said}: ${text}`);
    assert.equal(stored(), was, said);
  }
  assert.deepEqual((await h.call("GET", path)).body, before.body);
});

test("annotations are held against a spec that stays", async () => {
  const wrong = {
    metadata: { annotations: { "container.apparmor.security.beta.kubernetes.io/x": "unconfined" } },
  };
  const first = await patch("merge", { metadata: { annotations: { a: "b" } } });
  assert.equal(first.status, 200);
  const { status, text } = await patch("merge", wrong);
  assert.equal(status, 422);
  assert.match(text, /may not add AppArmor annotations/);
});

test("a pod from before a plugin was turned on is changed by it at its next change, and not before", async (t) => {
  const store = await openMemoryStore({ clock: new FakeClock() });
  t.after(() => store.close());
  const gpu = { requests: { "example.com/gpu": "1" }, limits: { "example.com/gpu": "1" } };
  const before = await startHarness({ store, plugins: { disable: ["DefaultTolerationSeconds"] } });
  await before.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  const spec = { containers: [{ name: "c", image: "i", resources: gpu }] };
  const made = await before.call("POST", "/api/v1/namespaces/default/pods", {
    metadata: { name: "p" },
    spec,
  });
  assert.equal(made.body.spec?.tolerations, undefined, made.text);
  await before.server.close();
  const enable = ["AlwaysPullImages", "ExtendedResourceToleration", "LimitPodHardAntiAffinityTopology"];
  const later = await startHarness({ store, plugins: { enable } });
  t.after(() => later.server.close());
  const pod = (): Pod => later.server.objects.get<Pod>("", "pods", "default", "p") as Pod;
  const label = (query = "", more: object = {}): Promise<Answered> =>
    later.call(
      "PATCH",
      `${path}${query}`,
      { metadata: { labels: { n: "1" }, ...more } },
      {
        "content-type": types["merge"] as string,
      },
    );
  freeze(pod().spec);
  const dry = await label("?dryRun=All");
  assert.equal(dry.body.spec.tolerations?.length, 3, dry.text);
  assert.equal((await label("", { resourceVersion: "1" })).status, 409);
  assert.equal(pod().spec?.tolerations, undefined);
  const changed = await label();
  assert.equal(changed.body.spec.tolerations.length, 3);
  assert.equal(pod().spec?.tolerations?.length, 3);
  freeze(pod().spec);
  const again = await later.call(
    "PATCH",
    path,
    { metadata: { labels: { n: "2" } } },
    {
      "content-type": types["merge"] as string,
    },
  );
  assert.deepEqual(again.body.spec, changed.body.spec);
});
