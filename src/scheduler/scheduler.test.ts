import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, PersistentVolumeClaim, Pod } from "../api/index.ts";
import { type Client, createClient } from "../client/index.ts";
import { silentLogger, StatusError } from "../machinery/index.ts";
import { FakeClock, openTestApi, settle, watchTransport } from "../testing/index.ts";
import { startScheduler } from "./scheduler.ts";

interface World {
  client: Client;
  clock: FakeClock;
  /** Bindings fail with this from now on. */
  refuseBinding(error: StatusError | undefined): void;
}

/** The scheduler against the real API server over a store in memory. */
async function withScheduler(run: (world: World) => Promise<void>): Promise<void> {
  const clock = new FakeClock();
  const server = await openTestApi(clock, { admission: false });
  const api = watchTransport(server.transport);
  let refused: StatusError | undefined;
  api.intercept = (call) => {
    if (refused && call.path.includes("/binding")) throw refused;
  };
  const client = createClient(server.transport);
  await client.namespaces.create(undefined, { metadata: { name: "default" } }).catch(() => undefined);
  const stop = new AbortController();
  const scheduler = startScheduler({ api, clock, log: silentLogger, signal: stop.signal }, {});
  try {
    await run({
      client,
      clock,
      refuseBinding: (error) => {
        refused = error;
      },
    });
  } finally {
    stop.abort();
    await clock.run(1);
    await scheduler;
    await server.close();
  }
}

const node = (name: string): Node => ({
  metadata: { name, labels: { "kubernetes.io/hostname": name } },
  status: { allocatable: { cpu: "2", memory: "4Gi", pods: "10" } },
});
const addNode = async (client: Client, name: string): Promise<void> => {
  await client.nodes.create(undefined, node(name));
  await client.nodes.patch(
    undefined,
    name,
    "merge",
    { status: node(name).status },
    { subresource: "status" },
  );
};
const pod = (name: string, cpu = "100m", spec: Partial<NonNullable<Pod["spec"]>> = {}): Pod => ({
  metadata: { name, namespace: "default" },
  spec: { containers: [{ name: "c", image: "i", resources: { requests: { cpu } } }], ...spec },
});
const nodeOf = async (client: Client, name: string): Promise<string | undefined> =>
  (await client.pods.get("default", name)).spec?.nodeName;
const scheduled = async (client: Client, name: string) =>
  (await client.pods.get("default", name)).status?.conditions?.find((c) => c.type === "PodScheduled");
const eventsOf = async (client: Client, reason: string): Promise<(string | undefined)[]> =>
  (await client.events.list("default")).items.filter((e) => e.reason === reason).map((e) => e.message);

test("pods are bound at once, without any time passing", () =>
  withScheduler(async ({ client }) => {
    await addNode(client, "a");
    await settle();
    for (const name of ["x", "y", "z"]) await client.pods.create("default", pod(name));
    await settle();
    for (const name of ["x", "y", "z"]) assert.equal(await nodeOf(client, name), "a");
    assert.equal((await eventsOf(client, "Scheduled"))[0], "Successfully assigned default/x to a");
  }));

test("a pod that fits nowhere says why, and is bound when there is room", () =>
  withScheduler(async ({ client, clock }) => {
    await addNode(client, "a");
    await client.pods.create("default", pod("big", "1900m"));
    await settle();
    await client.pods.create("default", pod("late", "1"));
    await settle();
    const why =
      "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";
    const condition = await scheduled(client, "late");
    assert.deepEqual(
      [condition?.status, condition?.reason, condition?.message],
      ["False", "Unschedulable", why],
    );
    assert.deepEqual(await eventsOf(client, "FailedScheduling"), [why]);
    await client.pods.delete("default", "big", { gracePeriodSeconds: 0 });
    await clock.run(200);
    assert.equal(await nodeOf(client, "late"), "a");
  }));

test("a failed binding gives the room back and is tried again", () =>
  withScheduler(async ({ client, clock, refuseBinding }) => {
    await addNode(client, "a");
    await settle();
    refuseBinding(new StatusError("InternalError", "no luck"));
    await client.pods.create("default", pod("p", "2"));
    await settle();
    assert.equal((await scheduled(client, "p"))?.reason, "SchedulerError");
    refuseBinding(undefined);
    await clock.run(1_000);
    assert.equal(await nodeOf(client, "p"), "a");
  }));

test("gates, other schedulers and finished pods are left alone", () =>
  withScheduler(async ({ client }) => {
    await addNode(client, "a");
    await client.pods.create("default", pod("gated", "1m", { schedulingGates: [{ name: "g" }] }));
    await client.pods.create("default", pod("foreign", "1m", { schedulerName: "other" }));
    await settle();
    assert.equal(await nodeOf(client, "gated"), undefined);
    assert.equal(await nodeOf(client, "foreign"), undefined);
    assert.equal((await scheduled(client, "gated"))?.reason, "SchedulingGated");
    // That is the API server's to say; the scheduler does not say it again.
    await client.pods.patch(
      "default",
      "gated",
      "merge",
      { status: { conditions: null } },
      { subresource: "status" },
    );
    await settle();
    assert.equal(await scheduled(client, "gated"), undefined);
    await client.pods.patch("default", "gated", "merge", { spec: { schedulingGates: null } });
    await settle();
    assert.equal(await nodeOf(client, "gated"), "a");
  }));

test("a less important pod makes way", () =>
  withScheduler(async ({ client, clock }) => {
    await addNode(client, "a");
    await client.pods.create("default", pod("low", "2"));
    await settle();
    await client.pods.create("default", pod("high", "2", { priority: 100 }));
    await settle();
    assert.equal((await client.pods.get("default", "high")).status?.nominatedNodeName, "a");
    const low = await client.pods.get("default", "low").catch(() => undefined);
    const target = low?.status?.conditions?.find((c) => c.type === "DisruptionTarget");
    if (low) {
      assert.equal(target?.reason, "PreemptionByScheduler");
      assert.ok(low.metadata?.deletionTimestamp);
      await client.pods.delete("default", "low", { gracePeriodSeconds: 0 });
    }
    await clock.run(200);
    assert.equal(await nodeOf(client, "high"), "a");
    assert.match((await eventsOf(client, "Preempted"))[0] ?? "", /^Preempted by pod .+ on node a$/);
  }));

test("a claim that waits for its consumer is told the node, and the pod waits for the volume", () =>
  withScheduler(async ({ client, clock }) => {
    await addNode(client, "a");
    await client.storageClasses.create(undefined, {
      metadata: { name: "local" },
      provisioner: "x",
      volumeBindingMode: "WaitForFirstConsumer",
    });
    const claim: PersistentVolumeClaim = {
      metadata: { name: "data", namespace: "default" },
      spec: {
        storageClassName: "local",
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
      },
    };
    const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
    await client.pods.create("default", pod("p", "1m", { volumes }));
    await settle();
    assert.match((await scheduled(client, "p"))?.message ?? "", /persistentvolumeclaim "data" not found/);
    await client.persistentVolumeClaims.create("default", claim);
    await clock.run(100);
    const told = await client.persistentVolumeClaims.get("default", "data");
    assert.equal(told.metadata?.annotations?.["volume.kubernetes.io/selected-node"], "a");
    assert.equal(await nodeOf(client, "p"), undefined);
    await client.persistentVolumes.create(undefined, {
      metadata: { name: "pv" },
      spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/x" } },
    });
    await client.persistentVolumeClaims.patch("default", "data", "merge", { spec: { volumeName: "pv" } });
    await client.persistentVolumeClaims.patch(
      "default",
      "data",
      "merge",
      { status: { phase: "Bound" } },
      { subresource: "status" },
    );
    await settle();
    assert.equal(await nodeOf(client, "p"), "a");
  }));
