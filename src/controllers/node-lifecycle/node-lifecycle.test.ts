import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "../../api/index.ts";
import { formatMicroTime, formatTime } from "../../machinery/index.ts";
import { podGarbage } from "../pod-garbage/index.ts";
import { runTaintEviction } from "../taint-eviction/index.ts";
import { mayStayMs } from "../taint-eviction/reconcile.ts";
import { actAsNode, type Bench, names, startBench, containers } from "../testing/bench.ts";
import { runNodeLifecycle } from "./index.ts";

async function addNode(bench: Bench, name: string): Promise<void> {
  const time = formatTime(bench.clock.now());
  await bench.client.nodes.create(undefined, { metadata: { name } });
  await bench.client.nodes.patch(
    undefined,
    name,
    "merge",
    {
      status: {
        conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: time, lastTransitionTime: time }],
      },
    },
    { subresource: "status" },
  );
  await bench.client.leases.create("kube-node-lease", {
    metadata: { name },
    spec: { holderIdentity: name, renewTime: formatMicroTime(bench.clock.now()) },
  });
}
const renew = (bench: Bench, name: string) =>
  bench.client.leases.patch("kube-node-lease", name, "merge", {
    spec: { renewTime: formatMicroTime(bench.clock.now()) },
  });
const node = (bench: Bench, name: string): Promise<Node> => bench.client.nodes.get(undefined, name);
const ready = async (bench: Bench, name: string) =>
  (await node(bench, name)).status?.conditions?.find((each) => each.type === "Ready");
const taints = async (bench: Bench, name: string) =>
  ((await node(bench, name)).spec?.taints ?? [])
    .map((each) => `${each.key.split("/")[1]}:${each.effect}`)
    .sort();

async function pass(bench: Bench, seconds: number, ...alive: string[]): Promise<void> {
  for (let left = seconds; left > 0; left -= 10) {
    for (const name of alive) await renew(bench, name);
    await bench.clock.run(Math.min(10, left) * 1000);
  }
}

test("a silent node becomes unknown after its grace, is tainted, loses its pods, and recovers", async () => {
  const bench = await startBench(runNodeLifecycle, runTaintEviction);
  await addNode(bench, "a");
  await addNode(bench, "b");
  const toleration = { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" };
  await bench.client.pods.create("default", {
    metadata: { name: "web" },
    spec: { containers, nodeName: "b", tolerations: [{ ...toleration, tolerationSeconds: 300 }] },
  });
  await bench.client.pods.create("default", {
    metadata: { name: "agent" },
    spec: { containers, nodeName: "b", tolerations: [toleration] },
  });
  await bench.settle();
  await actAsNode(bench);
  await pass(bench, 40, "a", "b");
  assert.equal((await ready(bench, "b"))?.status, "True");

  await pass(bench, 30, "a");
  assert.equal((await ready(bench, "b"))?.status, "True", "within its grace");
  await pass(bench, 15, "a");
  assert.deepEqual(
    [
      (await ready(bench, "b"))?.status,
      (await ready(bench, "b"))?.reason,
      (await ready(bench, "b"))?.message,
    ],
    ["Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."],
  );
  assert.deepEqual(await taints(bench, "b"), ["unreachable:NoExecute", "unreachable:NoSchedule"]);
  const web = await bench.client.pods.get("default", "web");
  assert.equal(web.status?.conditions?.find((each) => each.type === "Ready")?.status, "False");
  assert.equal((await ready(bench, "a"))?.status, "True");

  await pass(bench, 310, "a");
  assert.ok((await bench.client.pods.get("default", "web")).metadata?.deletionTimestamp);
  assert.equal((await bench.client.pods.get("default", "agent")).metadata?.deletionTimestamp, undefined);

  await renew(bench, "b");
  await bench.client.nodes.patch(
    undefined,
    "b",
    "merge",
    {
      status: {
        conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: formatTime(bench.clock.now()) }],
      },
    },
    { subresource: "status" },
  );
  await bench.settle();
  assert.deepEqual(await taints(bench, "b"), []);
  await bench.stop();
});

test("when the only node is silent, its pods stay where they are", async () => {
  const bench = await startBench(runNodeLifecycle, runTaintEviction);
  await addNode(bench, "a");
  await bench.client.pods.create("default", {
    metadata: { name: "web" },
    spec: { containers, nodeName: "a" },
  });
  await pass(bench, 120);
  assert.equal((await ready(bench, "a"))?.status, "Unknown");
  assert.deepEqual(await taints(bench, "a"), ["unreachable:NoSchedule"]);
  await pass(bench, 600);
  assert.equal((await bench.client.pods.get("default", "web")).metadata?.deletionTimestamp, undefined);
  await bench.stop();
});

test("cordon and taints of others", async () => {
  const bench = await startBench(runNodeLifecycle);
  await addNode(bench, "a");
  const foreign = { key: "example.com/gpu", value: "yes", effect: "NoSchedule" };
  await bench.client.nodes.patch(undefined, "a", "merge", {
    spec: { unschedulable: true, taints: [foreign] },
  });
  await bench.settle();
  assert.deepEqual(await taints(bench, "a"), ["gpu:NoSchedule", "unschedulable:NoSchedule"]);
  await bench.client.nodes.patch(undefined, "a", "merge", { spec: { unschedulable: null } });
  await bench.settle();
  assert.deepEqual(await taints(bench, "a"), ["gpu:NoSchedule"]);
  await bench.stop();
});

test("a toleration may run out, and be saved by the taint's removal", async () => {
  const bench = await startBench(runTaintEviction);
  await addNode(bench, "a");
  const taint = { key: "evict", value: "yes", effect: "NoExecute" };
  const pod = (name: string, tolerationSeconds: number) =>
    bench.client.pods.create("default", {
      metadata: { name },
      spec: {
        containers,
        nodeName: "a",
        tolerations: [
          { key: "evict", operator: "Equal", value: "yes", effect: "NoExecute", tolerationSeconds },
        ],
      },
    });
  await pod("short", 5);
  await pod("long", 60);
  await bench.client.nodes.patch(undefined, "a", "merge", { spec: { taints: [taint] } });
  await bench.clock.run(6000);
  const deleted = async (name: string) =>
    (await bench.client.pods.get("default", name)).metadata?.deletionTimestamp !== undefined;
  assert.deepEqual([await deleted("short"), await deleted("long")], [true, false]);
  await bench.client.nodes.patch(undefined, "a", "merge", { spec: { taints: null } });
  await bench.clock.run(120_000);
  assert.equal(await deleted("long"), false);
  const events = (await bench.client.events.list("default")).items.map((event) => event.message);
  assert.ok(events.includes("Cancelling deletion of Pod default/long"));
  await bench.stop();
});

test("how long a pod may stay", () => {
  const pod = (...tolerations: object[]) => ({ spec: { containers, tolerations } });
  const taint = { key: "k", value: "v", effect: "NoExecute" };
  assert.equal(mayStayMs(pod(), [taint]), 0);
  assert.equal(mayStayMs(pod(), [{ ...taint, effect: "NoSchedule" }]), undefined);
  assert.equal(mayStayMs(pod({ operator: "Exists" }), [taint]), undefined);
  assert.equal(mayStayMs(pod({ key: "k", value: "other" }), [taint]), 0);
  const short = { key: "k", operator: "Exists", tolerationSeconds: 5 };
  assert.equal(mayStayMs(pod({ operator: "Exists" }, short), [taint]), 5000);
  assert.equal(mayStayMs(pod({ ...short, tolerationSeconds: -1 }), [taint]), 0);
});

test("pods of a node that is gone are failed and deleted, after a second look", async () => {
  const bench = await startBench(podGarbage({ terminatedThreshold: 2 }));
  await addNode(bench, "a");
  await bench.client.pods.create("default", {
    metadata: { name: "web" },
    spec: { containers, nodeName: "a" },
  });
  await bench.settle();
  await bench.client.nodes.delete(undefined, "a");
  await bench.clock.run(30_000);
  assert.deepEqual(names((await bench.client.pods.list()).items), ["web"]);
  await bench.clock.run(15_000);
  assert.deepEqual(names((await bench.client.pods.list()).items), []);

  await addNode(bench, "b");
  for (const name of ["p1", "p2", "p3"]) {
    await bench.client.pods.create("default", {
      metadata: { name },
      spec: { containers, nodeName: "b" },
    });
    await bench.client.pods.patch(
      "default",
      name,
      "merge",
      { status: { phase: "Succeeded" } },
      { subresource: "status" },
    );
    await bench.clock.run(2000);
  }
  assert.deepEqual(names((await bench.client.pods.list()).items), ["p2", "p3"]);
  await bench.stop();
});

test("nodes that come and go are announced", async () => {
  const bench = await startBench(runNodeLifecycle);
  await addNode(bench, "a");
  await pass(bench, 10, "a");
  await bench.client.nodes.delete(undefined, "a");
  await bench.clock.run(1000);
  const { items } = await bench.client.events.list("default");
  assert.deepEqual(
    items
      .map(({ reason, message, source, involvedObject }) => [
        reason,
        message,
        source?.component,
        involvedObject.kind,
      ])
      .sort(),
    [
      ["RegisteredNode", "Node a event: Registered Node a in Controller", "node-controller", "Node"],
      ["RemovingNode", "Node a event: Removing Node a from Controller", "node-controller", "Node"],
    ],
  );
  await bench.stop();
});
