import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../api/index.ts";
import { createClient } from "../client/index.ts";
import { StatusError } from "../machinery/index.ts";
import { watchTransport } from "../testing/index.ts";
import { runDeployments } from "./deployment/index.ts";
import { runEndpoints } from "./endpoints/index.ts";
import { runGarbageCollector } from "./garbage/index.ts";
import { runReplicaSets } from "./replicaset/index.ts";
import { actAsNode, type Bench, deployment, startBench, startOn, template } from "./testing/bench.ts";

const controllers = [runReplicaSets, runDeployments, runEndpoints, runGarbageCollector];

function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % sides;
  };
}

/**
 * A process of controllers that meets failing writes, lost answers and ended watches, and dies at some call: from then on
 * nothing it sends arrives.
 */
async function unreliable(bench: Bench, roll: (sides: number) => number): Promise<() => void> {
  const api = watchTransport(bench.api);
  let left = 20 + roll(60);
  const never = new Promise<never>(() => {});
  api.intercept = ({ method }) => {
    if (left-- <= 0) return never;
    if (method === "GET") return;
    if (roll(8) === 0) throw new StatusError("InternalError", "chaos");
    if (roll(12) === 0) api.endWatches();
  };
  const request = api.request.bind(api);
  api.request = async (each) => {
    const answer = await request(each);
    // Done, but nobody hears of it.
    if (each.method !== "GET" && roll(10) === 0) throw new Error("connection lost");
    return answer;
  };
  void startOn(api, bench.clock, controllers);
  return () => (left = 0);
}

async function disturb(bench: Bench, roll: (sides: number) => number): Promise<void> {
  const { client } = bench;
  const pods = (await client.pods.list("default")).items;
  const pod = pods[roll(Math.max(1, pods.length))];
  const name = pod?.metadata?.name ?? "";
  switch (roll(5)) {
    case 0:
      await client.deployments.patch("default", "web", "merge", { spec: { replicas: roll(8) } });
      break;
    case 1:
      await client.deployments.patch("default", "web", "merge", {
        spec: { template: template("web", `web:${roll(4)}`) },
      });
      break;
    case 2:
      if (pod) await client.pods.delete("default", name).catch(() => {});
      break;
    case 3:
      if (pod) await client.pods.patch("default", name, "merge", { metadata: { labels: { app: "else" } } });
      break;
    default:
      await actAsNode(bench);
  }
}

for (let seed = 1; seed <= 6; seed++) {
  test(`whatever fails and whoever dies, the end is right (seed ${seed})`, async () => {
    const roll = dice(seed);
    const bench = await startBench();
    const client = createClient(bench.api);
    await client.services.create("default", {
      metadata: { name: "web" },
      spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
    });
    await client.deployments.create("default", deployment("web", 4));
    for (let life = 0; life < 4; life++) {
      const kill = await unreliable(bench, roll);
      for (let i = 0; i < 6; i++) {
        await disturb(bench, roll);
        await bench.clock.run(20 * roll(10));
      }
      kill();
    }
    // The last one is spared.
    const stop = await startOn(bench.api, bench.clock, controllers);
    for (let i = 0; i < 15; i++) await actAsNode(bench);
    await bench.clock.run(70_000);
    for (let i = 0; i < 3; i++) await actAsNode(bench);

    const wanted = await client.deployments.get("default", "web");
    const image = wanted.spec?.template.spec?.containers[0]?.image;
    const pods = (await client.pods.list("default")).items;
    const own = pods.filter((pod) => pod.metadata?.labels?.["app"] === "web");
    const released = pods.filter((pod) => pod.metadata?.labels?.["app"] === "else");
    assert.equal(own.length, wanted.spec?.replicas, "as many pods as wanted");
    assert.ok(
      own.every((pod) => pod.spec?.containers[0]?.image === image),
      "of the newest template",
    );
    assert.ok(own.every((pod) => pod.metadata?.ownerReferences?.length === 1));
    assert.ok(released.every((pod: Pod) => (pod.metadata?.ownerReferences ?? []).length === 0));
    const active = (await client.replicaSets.list("default")).items.filter(
      (set) => (set.spec?.replicas ?? 0) > 0,
    );
    assert.equal(active.length, wanted.spec?.replicas === 0 ? 0 : 1);
    const slices = (await client.endpointSlices.list("default")).items.filter(
      (slice) => slice.metadata?.labels?.["kubernetes.io/service-name"] === "web",
    );
    const addresses = slices
      .flatMap((slice) => (slice.endpoints ?? []).map((each) => each.targetRef?.name))
      .sort();
    assert.deepEqual(
      addresses,
      own.map((pod) => pod.metadata?.name).sort(),
      "the Service leads to them, once",
    );
    assert.equal(wanted.status?.availableReplicas ?? 0, wanted.spec?.replicas);
    await stop();
  });
}
