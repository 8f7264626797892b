import assert from "node:assert/strict";
import { test } from "node:test";
import type { DaemonSet, Pod } from "../../api/index.ts";
import { isReason } from "../../machinery/index.ts";
import { type Bench, startBench, template } from "../testing/bench.ts";
import { runDaemonSets } from "./index.ts";
import { nodeOf } from "./placement.ts";

const sets = (bench: Bench) => bench.client.resource<DaemonSet>("apps", "v1", "daemonsets");
const list = async (bench: Bench): Promise<Pod[]> => (await bench.client.pods.list("default")).items;
const where = async (bench: Bench) => (await list(bench)).map(nodeOf).sort();
async function node(bench: Bench, name: string, labels = {}): Promise<void> {
  await bench.client.nodes.create(undefined, { metadata: { name, labels } });
  // A new node is tainted until it is ready.
  await bench.client.nodes.patch(undefined, name, "merge", { spec: { taints: null } });
}

async function started(bench: Bench, spec: Partial<NonNullable<DaemonSet["spec"]>> = {}): Promise<void> {
  await sets(bench).create("default", {
    metadata: { name: "agent" },
    spec: { selector: { matchLabels: { app: "agent" } }, template: template("agent"), ...spec },
  });
  await bench.settle();
}

/** Stands in for scheduler and kubelet. */
async function act(bench: Bench): Promise<void> {
  for (const pod of await list(bench)) {
    const { name = "" } = pod.metadata ?? {};
    if (pod.metadata?.deletionTimestamp) {
      await bench.client.pods.delete("default", name, { gracePeriodSeconds: 0 });
      continue;
    }
    if (!pod.spec?.nodeName) {
      const target = { kind: "Node", name: nodeOf(pod) };
      const binding = { apiVersion: "v1", kind: "Binding", metadata: { name }, target };
      try {
        await bench.client.pods.subresource("default", name, "binding", "POST", binding);
      } catch (error) {
        // The controller may have ended it since the list was made.
        if (isReason(error, "NotFound")) continue;
        throw error;
      }
    }
    if (pod.status?.phase === "Failed") continue;
    const status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
    await bench.client.pods.patch("default", name, "merge", { status }, { subresource: "status" });
  }
  await bench.settle();
}

test("one on every node that fits; nodes come, go, and change their labels", async () => {
  const bench = await startBench(runDaemonSets);
  await node(bench, "a", { disk: "ssd" });
  await node(bench, "b");
  const chosen = template("agent");
  await started(bench, { template: { ...chosen, spec: { ...chosen.spec, nodeSelector: { disk: "ssd" } } } });
  assert.deepEqual(await where(bench), ["a"]);
  await node(bench, "c", { disk: "ssd" });
  await bench.settle();
  assert.deepEqual(await where(bench), ["a", "c"]);
  await act(bench);
  const { status } = await sets(bench).get("default", "agent");
  assert.deepEqual(
    [status?.desiredNumberScheduled, status?.numberAvailable, status?.updatedNumberScheduled],
    [2, 2, 2],
  );
  await bench.client.nodes.patch(undefined, "a", "merge", { metadata: { labels: { disk: null } } });
  await bench.settle();
  await act(bench);
  assert.deepEqual(await where(bench), ["c"]);
});

test("taints it does not tolerate keep it away, those of unwell nodes do not", async () => {
  const bench = await startBench(runDaemonSets);
  for (const name of ["a", "b"]) await node(bench, name);
  await bench.client.nodes.patch(undefined, "a", "merge", {
    spec: { taints: [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }] },
  });
  await bench.client.nodes.patch(undefined, "b", "merge", {
    spec: { taints: [{ key: "dedicated", value: "x", effect: "NoSchedule" }] },
  });
  await started(bench);
  assert.deepEqual(await where(bench), ["a"]);
});

test("an update goes node by node; a rollback touches no pod that is right", async () => {
  const bench = await startBench(runDaemonSets);
  for (const name of ["a", "b", "c"]) await node(bench, name);
  await started(bench);
  await act(bench);
  await sets(bench).patch("default", "agent", "merge", { spec: { template: template("agent", "web:2") } });
  await bench.settle();
  const leaving = (await list(bench)).filter((pod) => pod.metadata?.deletionTimestamp);
  assert.equal(leaving.length, 1);
  await act(bench);
  const untouched = (await list(bench)).filter(
    (pod) => pod.spec?.containers[0]?.image === "web:1" && !pod.metadata?.deletionTimestamp,
  );
  await sets(bench).patch("default", "agent", "merge", { spec: { template: template("agent", "web:1") } });
  for (let i = 0; i < 6; i++) await act(bench);
  const after = await list(bench);
  assert.ok(after.every((pod) => pod.spec?.containers[0]?.image === "web:1"));
  for (const pod of untouched) assert.ok(after.some((each) => each.metadata?.uid === pod.metadata?.uid));
  for (let i = 0; i < 8; i++) await act(bench);
  assert.equal((await sets(bench).get("default", "agent")).status?.updatedNumberScheduled, 3);
});

test("a failed daemon is replaced, at once the first time and later after a wait", async () => {
  const bench = await startBench(runDaemonSets);
  await node(bench, "a");
  await started(bench);
  await act(bench);
  const fail = async (): Promise<string> => {
    const [pod] = await list(bench);
    const name = pod?.metadata?.name ?? "";
    await bench.client.pods.patch(
      "default",
      name,
      "merge",
      { status: { phase: "Failed" } },
      { subresource: "status" },
    );
    await bench.settle();
    return name;
  };
  const first = await fail();
  await act(bench);
  assert.notEqual((await list(bench))[0]?.metadata?.name, first);
  await act(bench);
  const second = await fail();
  assert.equal((await list(bench))[0]?.metadata?.name, second);
  await bench.clock.run(2000);
  await act(bench);
  assert.notEqual((await list(bench))[0]?.metadata?.name, second);
});
