import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, Pod, Service } from "../../api/index.ts";
import { actAsNode, type Bench, replicaSet, startBench, startOn } from "../testing/bench.ts";
import { runReplicaSets } from "../replicaset/index.ts";
import { runEndpoints } from "./index.ts";
import { planSlices } from "./slice-plan.ts";

const service = (more: Service["spec"] = {}): Service => ({
  metadata: { name: "web", namespace: "default", uid: "s" },
  spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }], ...more },
});

const pod = (
  name: string,
  ip: string,
  more: { ready?: boolean; leaving?: boolean; port?: number } = {},
): Pod => ({
  metadata: {
    name,
    namespace: "default",
    uid: name,
    labels: { app: "web" },
    ...(more.leaving ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
  },
  spec: {
    nodeName: "node",
    containers: [{ name: "c", ports: [{ name: "http", containerPort: more.port ?? 8080 }] }],
  },
  status: {
    phase: "Running",
    podIP: ip,
    conditions: [{ type: "Ready", status: more.ready === false ? "False" : "True" }],
  },
});

const noNode = () => undefined;

test("conditions say who is ready, serving and terminating", () => {
  const pods = [
    pod("a", "10.0.0.1"),
    pod("b", "10.0.0.2", { ready: false }),
    pod("c", "10.0.0.3", { leaving: true }),
  ];
  const [slice] = planSlices(service(), pods, noNode, []).create;
  assert.deepEqual(
    slice?.endpoints?.map((each) => [
      each.addresses[0],
      each.conditions?.ready,
      each.conditions?.serving,
      each.conditions?.terminating,
    ]),
    [
      ["10.0.0.1", true, true, false],
      ["10.0.0.2", false, false, false],
      ["10.0.0.3", false, true, true],
    ],
  );
  assert.deepEqual(slice?.ports, [{ name: "", port: 8080, protocol: "TCP" }]);
  const published = planSlices(service({ publishNotReadyAddresses: true }), pods, noNode, []).create[0];
  assert.ok(published?.endpoints?.every((each) => each.conditions?.ready));
});

test("pods with another number behind a named port get a slice of their own", () => {
  const named = service({ ports: [{ name: "http", port: 80, targetPort: "http" }] });
  const { create } = planSlices(
    named,
    [pod("a", "10.0.0.1"), pod("b", "10.0.0.2", { port: 9090 })],
    noNode,
    [],
  );
  assert.deepEqual(
    create.map((slice) => [slice.ports?.[0]?.name, slice.ports?.[0]?.port, slice.endpoints?.length]),
    [
      ["http", 8080, 1],
      ["http", 9090, 1],
    ],
  );
});

test("a hundred to a slice; one pod's change touches one slice", () => {
  const pods = Array.from({ length: 250 }, (_, i) => pod(`p${i}`, `10.0.${i >> 8}.${i & 255}`));
  const first = planSlices(service(), pods, noNode, []);
  assert.deepEqual(
    first.create.map((slice) => slice.endpoints?.length),
    [100, 100, 50],
  );
  const stored = first.create.map(
    (slice, i): EndpointSlice => ({ ...slice, metadata: { ...slice.metadata, name: `s${i}` } }),
  );
  assert.deepEqual(planSlices(service(), pods, noNode, stored), { create: [], update: [], remove: [] });
  const without = planSlices(
    service(),
    pods.filter((each) => each.metadata?.name !== "p150"),
    noNode,
    stored,
  );
  assert.deepEqual(
    [without.create.length, without.update.map((slice) => slice.metadata?.name), without.remove.length],
    [0, ["s1"], 0],
  );
  const none = planSlices(service(), [], noNode, stored);
  assert.equal(none.create.length + none.update.length, 1, "one empty slice stays");
  assert.equal(none.remove.length, 2);
});

const slicesOf = async (bench: Bench) => (await bench.client.endpointSlices.list("default")).items;

test("follows the pods; leaves alone what others made", async () => {
  const bench = await startBench(runEndpoints, runReplicaSets);
  const foreign: EndpointSlice = {
    metadata: { name: "foreign", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["192.0.2.1"], conditions: {} }],
  };
  await bench.client.endpointSlices.create("default", foreign);
  await bench.client.services.create("default", service());
  await bench.client.services.create("default", {
    metadata: { name: "bare", namespace: "default" },
    spec: { ports: [{ port: 80 }] },
  });
  await bench.settle();
  assert.equal((await slicesOf(bench)).length, 2);
  await bench.client.replicaSets.create("default", replicaSet("web", 3));
  await bench.settle();
  await actAsNode(bench);
  const own = (await slicesOf(bench)).find((slice) => slice.metadata?.name?.startsWith("web-"));
  assert.equal(own?.endpoints?.filter((each) => each.conditions?.ready).length, 3);
  const endpoints = await bench.client.endpoints.get("default", "web");
  assert.equal(endpoints.subsets?.[0]?.addresses?.length, 3);
  assert.deepEqual((await bench.client.endpoints.list("default")).items.length, 1);
  // Both say since when they were out of date.
  const changed = "endpoints.kubernetes.io/last-change-trigger-time";
  assert.match(own?.metadata?.annotations?.[changed] ?? "", /^\d{4}-.*:\d\dZ$/);
  assert.equal(endpoints.metadata?.annotations?.[changed], own?.metadata?.annotations?.[changed]);

  await bench.client.services.delete("default", "web");
  await bench.settle();
  assert.deepEqual((await bench.client.endpoints.list("default")).items, []);
  assert.deepEqual(
    (await bench.client.endpointSlices.get("default", "foreign")).endpoints,
    foreign.endpoints,
  );
  await bench.stop();
});

test("at start Endpoints of Services that are gone are deleted, locks of elections are not", async () => {
  const bench = await startBench();
  const annotations = { "control-plane.alpha.kubernetes.io/leader": "{}" };
  await bench.client.services.create("default", {
    metadata: { name: "bare", namespace: "default" },
    spec: { ports: [{ port: 80 }] },
  });
  for (const metadata of [{ name: "bare" }, { name: "gone" }, { name: "lock", annotations }])
    await bench.client.endpoints.create("default", { metadata });
  const stop = await startOn(bench.api, bench.clock, [runEndpoints]);
  await bench.settle();
  const names = async () =>
    (await bench.client.endpoints.list("default")).items.map((each) => each.metadata?.name);
  assert.deepEqual(await names(), ["bare", "lock"]);
  // Later ones may come before their Service.
  await bench.client.endpoints.create("default", { metadata: { name: "early" } });
  await bench.settle();
  assert.deepEqual(await names(), ["bare", "early", "lock"]);
  await stop();
  await bench.stop();
});
