import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { configMap, failure, type Harness, pod, startHarness } from "../../testing/harness.ts";
import type { AdmissionRequest } from "../chain.ts";
import { alwaysPullImages } from "./always-pull-images.ts";

const base = "/api/v1/namespaces/default";
const merge = { "content-type": "application/merge-patch+json" };

/** A server with this plugin, compared with one without it. */
async function start(t: TestContext, plugin?: string): Promise<Harness> {
  const h = await startHarness(plugin ? { plugins: { enable: [plugin] } } : {});
  t.after(() => h.close());
  await h.call("POST", `${base}/serviceaccounts`, { metadata: { name: "default" } });
  return h;
}

const container = { name: "c", image: "a:1", imagePullPolicy: "IfNotPresent" };

test("AlwaysPullImages: images are pulled whatever the pod says; updates without a new one are left alone", async (t) => {
  const h = await start(t, "AlwaysPullImages");
  const made = await h.call(
    "POST",
    `${base}/pods`,
    pod("p", {
      containers: [container],
      initContainers: [{ ...container, name: "i" }],
      volumes: [{ name: "v", image: { reference: "b:1", pullPolicy: "Never" } }],
    }),
  );
  assert.equal(made.status, 201, made.text);
  const { containers, initContainers, volumes } = made.body.spec;
  assert.deepEqual(
    [containers[0].imagePullPolicy, initContainers[0].imagePullPolicy, volumes[0].image.pullPolicy],
    ["Always", "Always", "Always"],
  );
  const relabelled = await h.call("PATCH", `${base}/pods/p`, { metadata: { labels: { a: "b" } } }, merge);
  assert.equal(relabelled.status, 200, relabelled.text);
});

test("AlwaysPullImages: what another has changed since is refused, all of it in one error without a reason", () => {
  const judge = (spec: object) =>
    alwaysPullImages.validate?.({
      operation: "CREATE",
      subresource: "",
      resource: { def: { group: "", kind: "Pod", plural: "pods" } },
      name: "p",
      object: { spec },
    } as unknown as AdmissionRequest);
  const always = { ...container, imagePullPolicy: "Always" };
  void judge({ containers: [always] });
  const why = (path: string, policy: string) =>
    `pods "p" is forbidden: spec.${path}: Unsupported value: "${policy}": supported values: "Always"`;
  const one = why("containers[1].imagePullPolicy", "IfNotPresent");
  assert.throws(() => judge({ containers: [always, container] }), { code: 500, reason: "", message: one });
  const volumes = [{ name: "v", image: { reference: "b:1", pullPolicy: "Never" } }];
  const both = `[${why("containers[0].imagePullPolicy", "IfNotPresent")}, ${why("volumes[0].image.pullPolicy", "Never")}]`;
  assert.throws(() => judge({ containers: [container], volumes }), { code: 500, reason: "", message: both });
});

test("DenyServiceExternalIPs: no new external addresses; those that are there stay", async (t) => {
  const service = (...externalIPs: string[]) => ({
    metadata: { name: "s" },
    spec: { ports: [{ port: 80 }], externalIPs },
  });
  const open = await start(t);
  await open.call("POST", `${base}/services`, service("1.2.3.4", "1.2.3.5"));
  const h = await startHarness({ store: open.store, plugins: { enable: ["DenyServiceExternalIPs"] } });
  t.after(() => h.close());
  const put = (...addresses: string[]) =>
    h.call("PATCH", `${base}/services/s`, { spec: { externalIPs: addresses } }, merge);
  assert.equal((await put("1.2.3.5")).status, 200);
  const refused = failure(await put("1.2.3.5", "9.9.9.9"), 403);
  assert.equal(
    refused.message,
    'services "s" is forbidden: Use of external IPs is denied by admission control',
  );
  failure(await h.call("POST", `${base}/services`, { ...service("1.2.3.4"), metadata: { name: "t" } }), 403);
});

test("ExtendedResourceToleration: pods tolerate the taints of what they ask for", async (t) => {
  const h = await start(t, "ExtendedResourceToleration");
  const amounts = { "b.example/gpu": "1", "a.example/fpga": "1", cpu: "1", "x.kubernetes.io/y": "1" };
  const resources = { requests: amounts, limits: amounts };
  const tolerations = [{ key: "b.example/gpu", operator: "Exists", effect: "NoSchedule" }];
  const made = await h.call(
    "POST",
    `${base}/pods`,
    pod("p", { containers: [{ ...container, resources }], tolerations }),
  );
  const found = (made.body.spec?.tolerations ?? []).filter(
    (each: { effect: string }) => each.effect === "NoSchedule",
  );
  assert.deepEqual(
    found.map((each: { key: string }) => each.key),
    ["b.example/gpu", "a.example/fpga"],
    made.text,
  );
});

test("LimitPodHardAntiAffinityTopology: pods keep others off their node, and no further", async (t) => {
  const h = await start(t, "LimitPodHardAntiAffinityTopology");
  const affinity = (topologyKey: string) => ({
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey, labelSelector: { matchLabels: { a: "b" } } },
      ],
    },
  });
  const create = (name: string, key: string) =>
    h.call("POST", `${base}/pods`, pod(name, { affinity: affinity(key) }));
  assert.equal((await create("p", "kubernetes.io/hostname")).status, 201);
  assert.equal(
    failure(await create("q", "zone"), 403).message,
    'pods "q" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only key kubernetes.io/hostname is allowed',
  );
});

test("NamespaceExists: nothing is written where there is no namespace", async (t) => {
  const map = (h: Harness) => h.call("POST", "/api/v1/namespaces/none/configmaps", configMap("a"));
  const disable = ["NamespaceLifecycle"];
  const lax = await startHarness({ plugins: { disable } });
  t.after(() => lax.close());
  assert.equal((await map(lax)).status, 201);
  const h = await startHarness({ plugins: { enable: ["NamespaceExists"], disable } });
  t.after(() => h.close());
  assert.equal(failure(await map(h), 404).message, 'namespaces "none" not found');
});

test("unknown plugins are refused; AlwaysAdmit does nothing", async (t) => {
  await assert.rejects(startHarness({ plugins: { enable: ["Nonsense"] } }), {
    message: 'enable-admission-plugins plugin "Nonsense" is unknown',
  });
  const h = await startHarness({ plugins: { enable: ["AlwaysAdmit"], disable: ["EventRateLimit"] } });
  t.after(() => h.close());
  assert.equal((await h.call("POST", `${base}/configmaps`, configMap("a"))).status, 201);
});
