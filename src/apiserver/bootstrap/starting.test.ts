/** A server starts even when its default objects cannot be created. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openMemoryStore, type Store } from "../../store/index.ts";
import { FakeClock, until } from "../../testing/index.ts";
import { type Harness, startHarness } from "../testing/harness.ts";
import { configure, hook, webhookServer } from "../testing/webhooks.ts";

const network = { serviceCidr: "10.96.0.0/24", advertise: { address: "192.0.2.1", port: 6443 } };
const service = "/api/v1/namespaces/default/services/kubernetes";
const address = "/apis/networking.k8s.io/v1/ipaddresses/10.96.0.1";
const keys = {
  service: "/registry/core/services/default/kubernetes",
  endpoints: "/registry/core/endpoints/default/kubernetes",
  namespace: "/registry/core/namespaces/kube-public",
  priority: "/registry/scheduling.k8s.io/priorityclasses/system-node-critical",
  level: "/registry/flowcontrol.apiserver.k8s.io/prioritylevelconfigurations/catch-all",
  group: "/registry/apiregistration.k8s.io/apiservices/v1.apps",
};
const paths = [
  service,
  "/api/v1/namespaces/default/endpoints/kubernetes",
  "/api/v1/namespaces/kube-public",
  "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical",
  "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations/catch-all",
  "/apis/apiregistration.k8s.io/v1/apiservices/v1.apps",
];

async function erase(store: Store, key: string): Promise<void> {
  const [found] = (await store.range({ from: key })).items;
  assert.ok(found, key);
  await store.txn({ when: [{ key, modRevision: found.modRevision }], then: [{ type: "delete", key }] });
}

/** A store that a former server left in this state. */
async function former(leave: (h: Harness) => Promise<void>) {
  const clock = new FakeClock();
  const store = await openMemoryStore({ clock });
  const h = await startHarness({ store, clock, network });
  await leave(h);
  await h.server.close();
  const start = async (t: TestContext): Promise<Harness> => {
    const next = await startHarness({ store, clock, network });
    t.after(() => next.close());
    return next;
  };
  return { store, clock, start };
}

const isThere = async (h: Harness, path: string): Promise<boolean> =>
  (await h.call("GET", path)).status === 200;

test("the address of the server's Service is taken over when it was left without the Service", async (t) => {
  const { store, start } = await former(async () => {});
  await erase(store, keys.service);
  const h = await start(t);
  assert.equal((await h.call("GET", service)).body.spec.clusterIP, "10.96.0.1");
  assert.equal(await isThere(h, address), true);
});

test("an address that is not let go of delays the Service, not the server", async (t) => {
  const { clock, start } = await former(async (h) => {
    const { body } = await h.call("GET", address);
    body.metadata.finalizers = ["example.com/held"];
    assert.equal((await h.call("PUT", address, body)).status, 200);
    await h.call("DELETE", service);
  });
  const h = await start(t);
  assert.equal(await isThere(h, service), false);
  const { body } = await h.call("GET", address);
  delete body.metadata.finalizers;
  await h.call("PUT", address, body);
  clock.advance(10_000);
  await until("the Service", () => isThere(h, service));
});

test("a webhook that refuses everything delays what is missing, and readiness, not the server", async (t) => {
  let allowed = false;
  const hooks = await webhookServer(t, () => ({ allowed }));
  const { store, clock, start } = await former((h) => everything(h, hooks.url));
  for (const key of Object.values(keys)) await erase(store, key);
  const h = await start(t);
  for (const path of paths) assert.equal(await isThere(h, path), false, path);
  const ready = await h.call("GET", "/readyz?verbose");
  assert.equal(ready.status, 500);
  for (const name of [
    "scheduling/bootstrap-system-priority-classes",
    "priority-and-fairness-config-producer",
    "kube-apiserver-autoregistration",
  ])
    assert.match(ready.text, new RegExp(`\\[-\\]poststarthook/${name} failed`));
  allowed = true;
  clock.advance(60_000);
  for (const path of paths) await until(path, () => isThere(h, path));
  await until("readiness", async () => (await h.call("GET", "/readyz")).text === "ok");
});

test("a webhook that hangs holds a start up for five seconds", async (t) => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const hooks = await webhookServer(t, () => ({ allowed: true }));
  const { store, clock, start } = await former(async (h) => {
    await define(h);
    await everything(h, hooks.url);
  });
  for (const key of Object.values(keys)) await erase(store, key);
  hooks.hold = () => held;
  const starting = start(t);
  await until("the webhook is asked", () => hooks.seen.length > 0);
  clock.advance(5000);
  const h = await starting;
  assert.equal(await isThere(h, "/api/v1/namespaces/default"), true);
  assert.equal(await isThere(h, "/api/v1/namespaces/kube-public"), false);
  assert.equal(await isThere(h, "/apis/example.com/v1/tabs"), true);
  release();
  for (const path of paths) await until(path, () => isThere(h, path));
});

const everything = (h: Harness, url: string): Promise<void> =>
  configure(h, "Validating", "all", [
    hook("all", url, {
      rules: [{ operations: ["CREATE", "UPDATE"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"] }],
    }),
  ]);

async function define(h: Harness): Promise<void> {
  const schema = { openAPIV3Schema: { type: "object" } };
  const made = await h.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
    metadata: { name: "tabs.example.com" },
    spec: {
      group: "example.com",
      scope: "Cluster",
      names: { plural: "tabs", kind: "Tab" },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  });
  assert.equal(made.status, 201, made.text);
  await until("the kind", () => isThere(h, "/apis/example.com/v1/tabs"));
}
