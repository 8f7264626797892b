import assert from "node:assert/strict";
import { test } from "node:test";
import { configMap, failure, type Harness, pod, startHarness } from "../../testing/harness.ts";

const base = "/api/v1/namespaces/default";

async function withQuota(hard: Record<string, string>, spec: object = {}, name = "q"): Promise<Harness> {
  const h = await startHarness();
  await h.call("POST", `${base}/serviceaccounts`, { metadata: { name: "default" } });
  await addQuota(h, hard, spec, name);
  return h;
}

async function addQuota(h: Harness, hard: Record<string, string>, spec: object, name: string): Promise<void> {
  const made = await h.call("POST", `${base}/resourcequotas`, {
    metadata: { name },
    spec: { hard, ...spec },
  });
  assert.equal(made.status, 201, made.text);
  const used = Object.fromEntries(Object.keys(hard).map((each) => [each, "0"]));
  const { body } = made;
  const stored = await h.call("PUT", `${base}/resourcequotas/${name}/status`, {
    ...body,
    status: { hard, used },
  });
  assert.equal(stored.status, 200, stored.text);
}

const used = async (h: Harness, name = "q"): Promise<Record<string, string>> =>
  (await h.call("GET", `${base}/resourcequotas/${name}`)).body.status.used;

const sized = (name: string, requests: object, limits: object = {}, more: object = {}) =>
  pod(name, { containers: [{ name: "c", image: "i", resources: { requests, limits } }], ...more });

test("what fits is reserved, and what does not is refused in the original's words", async () => {
  const h = await withQuota({ pods: "2", "requests.cpu": "1", "requests.memory": "1Gi" });
  const create = (body: object) => h.call("POST", `${base}/pods`, body);
  assert.equal((await create(sized("a", { cpu: "600m", memory: "512Mi" }))).status, 201);
  assert.deepEqual(await used(h), { pods: "1", "requests.cpu": "600m", "requests.memory": "512Mi" });
  assert.equal(
    failure(await create(sized("b", { cpu: "500m", memory: "600Mi" })), 403).message,
    'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=500m,requests.memory=600Mi, used: requests.cpu=600m,requests.memory=512Mi, limited: requests.cpu=1,requests.memory=1Gi',
  );
  assert.equal(
    failure(await create(pod("c")), 403).message,
    'pods "c" is forbidden: failed quota: q: must specify requests.cpu for: c; requests.memory for: c',
  );
  assert.equal(
    (await h.call("POST", `${base}/pods?dryRun=All`, sized("d", { cpu: "1m", memory: "1" }))).status,
    201,
  );
  assert.deepEqual(await used(h), { pods: "1", "requests.cpu": "600m", "requests.memory": "512Mi" });
  await h.close();
});

test("writes at the same time do not exceed a quota together", async () => {
  const h = await withQuota({ configmaps: "5" });
  await addQuota(h, { "count/configmaps": "7" }, {}, "wider");
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => h.call("POST", `${base}/configmaps`, configMap(`m${i}`))),
  );
  assert.equal(answers.filter((each) => each.status === 201).length, 5);
  assert.equal(answers.filter((each) => each.status === 403).length, 15);
  assert.deepEqual(
    [await used(h), await used(h, "wider")],
    [{ configmaps: "5" }, { "count/configmaps": "5" }],
  );
  await h.close();
});

test("a quota that somebody else writes at the same time is read again", async () => {
  const h = await withQuota({ configmaps: "100" });
  const touch = async (i: number) => {
    const patch = { metadata: { labels: { turn: String(i) } } };
    await h.call("PATCH", `${base}/resourcequotas/q`, patch, {
      "content-type": "application/merge-patch+json",
    });
  };
  const answers = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => {
      await touch(i);
      return h.call("POST", `${base}/configmaps`, configMap(`m${i}`));
    }),
  );
  const made = answers.filter((each) => each.status === 201).length;
  assert.deepEqual(await used(h), { configmaps: String(made) });
  assert.equal(made, 30);
  await h.close();
});

test("changes are charged by what they add", async () => {
  const h = await withQuota({ services: "2", "services.nodeports": "2", "services.loadbalancers": "0" });
  const service = (name: string, type: string, ports: number) => ({
    metadata: { name },
    spec: { type, ports: Array.from({ length: ports }, (_, i) => ({ name: `p${i}`, port: 80 + i })) },
  });
  const made = await h.call("POST", `${base}/services`, service("s", "NodePort", 1));
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(await used(h), {
    services: "1",
    "services.nodeports": "1",
    "services.loadbalancers": "0",
  });
  const merge = (spec: object) =>
    h.call("PATCH", `${base}/services/s`, { spec }, { "content-type": "application/merge-patch+json" });
  assert.equal((await merge({ ports: service("s", "", 2).spec.ports })).status, 200);
  assert.equal((await used(h))["services.nodeports"], "2");
  assert.match(
    failure(await merge({ type: "LoadBalancer" }), 403).message ?? "",
    /exceeded quota: q, requested: services.loadbalancers=1, used: services.loadbalancers=0, limited: services.loadbalancers=0/,
  );
  await h.close();
});

test("scopes choose what is counted, and a quota without a count admits nothing", async () => {
  const h = await withQuota({ pods: "1" }, { scopes: ["BestEffort"] });
  assert.equal((await h.call("POST", `${base}/pods`, sized("big", { cpu: "1" }))).status, 201);
  assert.equal((await h.call("POST", `${base}/pods`, pod("small"))).status, 201);
  failure(await h.call("POST", `${base}/pods`, pod("more")), 403);
  const { body } = await h.call("GET", `${base}/resourcequotas/q`);
  await h.call("PUT", `${base}/resourcequotas/q/status`, { ...body, status: { hard: { pods: "1" } } });
  assert.match(
    failure(await h.call("POST", `${base}/pods`, pod("more")), 403).message ?? "",
    /is forbidden: status unknown for quota: q, resources: pods$/,
  );
  await h.close();
});

test("claims count for their class", async () => {
  const h = await withQuota({
    "requests.storage": "3Gi",
    "gold.storageclass.storage.k8s.io/requests.storage": "1Gi",
    "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
  });
  const claim = (name: string, storageClassName: string, storage: string) => ({
    metadata: { name },
    spec: { accessModes: ["ReadWriteOnce"], storageClassName, resources: { requests: { storage } } },
  });
  const create = (body: object) => h.call("POST", `${base}/persistentvolumeclaims`, body);
  assert.equal((await create(claim("a", "iron", "1Gi"))).status, 201);
  assert.match(
    failure(await create(claim("b", "gold", "2Gi")), 403).message ?? "",
    /requested: gold\.\S+=2Gi, used: /,
  );
  assert.equal((await create(claim("c", "gold", "1Gi"))).status, 201);
  assert.equal((await used(h))["requests.storage"], "2Gi");
  await h.close();
});
