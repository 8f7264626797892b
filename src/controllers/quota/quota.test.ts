import assert from "node:assert/strict";
import { test } from "node:test";
import { type Pod, quota, type ResourceQuota, type ResourceQuotaSpec } from "../../api/index.ts";
import { formatQuantity } from "../../machinery/index.ts";
import { type Bench, replicaSet, startBench } from "../testing/bench.ts";
import { runQuotas } from "./index.ts";

async function startQuota(
  bench: Bench,
  spec: ResourceQuotaSpec,
): Promise<() => Promise<Record<string, string>>> {
  const quotas = bench.client.resource<ResourceQuota>("", "v1", "resourcequotas");
  await quotas.create("default", { metadata: { name: "q" }, spec });
  await bench.settle();
  return async () => {
    await bench.settle();
    const { status } = await quotas.get("default", "q");
    assert.deepEqual(status?.hard, spec.hard);
    return status?.used ?? {};
  };
}

/** Such resources must be limited to what is asked for. */
const dongles = (requests: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(requests).filter(([name]) => name.includes("/")));

const podWith = (name: string, requests: Record<string, string>, more: object = {}): Pod => ({
  metadata: { name },
  spec: {
    containers: [{ name: "c", image: "i", resources: { requests, limits: dongles(requests) } }],
    ...more,
  },
});

test("sums up what there is, and takes it back when it goes", async () => {
  const bench = await startBench(runQuotas);
  const { client } = bench;
  const used = await startQuota(bench, {
    hard: {
      pods: "5",
      cpu: "1",
      "requests.memory": "1Gi",
      "requests.example.com/dongle": "3",
      services: "3",
      "services.nodeports": "2",
      "count/replicasets.apps": "1",
      configmaps: "9",
      "requests.storage": "1Gi",
    },
  });
  const before = await used();
  assert.equal(before.pods, "0");
  await client.pods.create(
    "default",
    podWith("one", { cpu: "300m", memory: "200Mi", "example.com/dongle": "1" }),
  );
  await client.pods.create("default", podWith("two", { cpu: "200m", memory: "0" }));
  await client.services.create("default", {
    metadata: { name: "s" },
    spec: {
      type: "NodePort",
      ports: [{ port: 80 }, { port: 81, name: "b" }].map((p, i) => ({ name: `p${i}`, ...p })),
    },
  });
  await client.replicaSets.create("default", replicaSet("web", 0));
  await client.configMaps.create("default", { metadata: { name: "c" } });
  assert.deepEqual(await used(), {
    pods: "2",
    cpu: "500m",
    "requests.memory": "200Mi",
    "requests.example.com/dongle": "1",
    services: "1",
    "services.nodeports": "2",
    "count/replicasets.apps": "1",
    configmaps: "1",
    "requests.storage": "0",
  });
  await client.pods.patch(
    "default",
    "one",
    "merge",
    { status: { phase: "Succeeded" } },
    { subresource: "status" },
  );
  await client.replicaSets.delete("default", "web");
  const after = await used();
  assert.deepEqual([after.pods, after.cpu, after["count/replicasets.apps"]], ["1", "200m", "0"]);
  await bench.stop();
});

test("scopes choose the pods that count", async () => {
  const bench = await startBench(runQuotas);
  const used = await startQuota(bench, { hard: { pods: "5" }, scopes: ["Terminating", "NotBestEffort"] });
  await bench.client.pods.create("default", podWith("short", { cpu: "1" }, { activeDeadlineSeconds: 5 }));
  await bench.client.pods.create("default", podWith("long", { cpu: "1" }));
  await bench.client.pods.create("default", podWith("cheap", {}, { activeDeadlineSeconds: 5 }));
  assert.deepEqual(await used(), { pods: "1" });
  await bench.stop();
});

test("init containers run one after the other beside the restartable ones before them", () => {
  const box = (cpu: string, restartPolicy?: string) => ({
    name: "c",
    image: "i",
    resources: { requests: { cpu } },
    ...(restartPolicy ? { restartPolicy } : {}),
  });
  const pod: Pod = {
    spec: {
      initContainers: [box("1"), box("200m", "Always"), box("1500m")],
      containers: [box("400m"), box("500m")],
      overhead: { cpu: "50m" },
    },
  };
  const cpu = quota.podResources(pod, "requests").get("cpu");
  assert.equal(cpu && formatQuantity(cpu), "1750m");
});
