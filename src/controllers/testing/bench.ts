import { afterEach } from "node:test";
import type { Deployment, Pod, ReplicaSet } from "../../api/index.ts";
import { type Client, createClient, createEventRecorder, createInformerFactory } from "../../client/index.ts";
import { type Clock, formatTime, silentLogger } from "../../machinery/index.ts";
import {
  FakeClock,
  openTestApi,
  settle,
  type WatchedTransport,
  watchTransport,
} from "../../testing/index.ts";
import type { Controller } from "../context.ts";
import { ignoreMissing } from "../failures.ts";

export interface Bench {
  clock: FakeClock;
  api: WatchedTransport;
  client: Client;
  /** Runs everything that is due, without advancing the clock. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

const open = new Set<() => Promise<void>>();
// Stops what a failed test left running, which would delay the others.
afterEach(async () => {
  for (const stop of open) await stop();
});

/** Controllers over the real API server and a manual clock. */
export async function startBench(...controllers: Controller[]): Promise<Bench> {
  const clock = new FakeClock();
  const real = await openTestApi(clock);
  const api = watchTransport(real.transport);
  const client = createClient(api);
  await client.serviceAccounts.create("default", { metadata: { name: "default" } });
  const stop = await startOn(api, clock, controllers);
  const end = async (): Promise<void> => {
    if (!open.delete(end)) return;
    await stop();
    await real.close();
  };
  open.add(end);
  return { clock, api, client, settle: () => runDue(clock), stop: end };
}

/** Starts a separate set of controllers; several calls simulate several processes. */
export async function startOn(
  api: WatchedTransport,
  clock: Clock,
  controllers: readonly Controller[],
): Promise<() => Promise<void>> {
  const client = createClient(api);
  const abort = new AbortController();
  const { signal } = abort;
  const log = silentLogger;
  const random = (): number => 0.5;
  const informers = createInformerFactory({ clock, log, signal, random });
  const recorder = (component: string) => createEventRecorder(client, clock, log, { component });
  const running = Promise.all(
    controllers.map((run) => run({ client, informers, clock, log, signal, random, recorder })),
  );
  running.catch(() => {});
  await settle(20);
  return async () => {
    abort.abort(new Error("stopped"));
    await running;
    await informers.ended();
  };
}

/** Enough time for retries, which wait for milliseconds, but less than a second. */
async function runDue(clock: FakeClock): Promise<void> {
  await settle(20);
  for (let i = 0; i < 12; i++) await clock.run(20);
}

/** Simulates scheduler and kubelet: schedules every pod, makes it ready unless told otherwise, and ends deleted ones. */
export async function actAsNode(
  bench: Bench,
  options: { ready?: (pod: Pod) => boolean; node?: string } = {},
): Promise<void> {
  for (const pod of (await bench.client.pods.list()).items) {
    // Deleted concurrently.
    await ignoreMissing(actOnPod(bench, pod, options.ready?.(pod) ?? true, options.node ?? "node"));
  }
  await bench.settle();
}

async function actOnPod(bench: Bench, pod: Pod, ready: boolean, node: string): Promise<void> {
  const { namespace, name = "" } = pod.metadata ?? {};
  if (pod.metadata?.deletionTimestamp) {
    await bench.client.pods.delete(namespace, name, { gracePeriodSeconds: 0 });
    return;
  }
  if (pod.spec?.nodeName && isReady(pod) === ready) return;
  if (!pod.spec?.nodeName) {
    await bench.client.pods.subresource(namespace, name, "binding", "POST", {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name },
      target: { kind: "Node", name: node },
    });
  }
  const conditions = [
    { type: "Ready", status: ready ? "True" : "False", lastTransitionTime: formatTime(bench.clock.now()) },
  ];
  await bench.client.pods.patch(
    namespace,
    name,
    "merge",
    { status: { phase: "Running", podIP: `10.0.0.${(serial++ % 250) + 1}`, conditions } },
    { subresource: "status" },
  );
}

let serial = 0;

const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some((each) => each.type === "Ready" && each.status === "True") ?? false;

export const containers = [{ name: "c", image: "web:1" }];

export const template = (app: string, image = "web:1") => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: "web", image }] },
});

export const replicaSet = (name: string, replicas: number): ReplicaSet => ({
  metadata: { name, namespace: "default" },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name) },
});

export const deployment = (
  name: string,
  replicas: number,
  more: Partial<NonNullable<Deployment["spec"]>> = {},
): Deployment => ({
  metadata: { name, namespace: "default" },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: template(name),
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
    progressDeadlineSeconds: 600,
    revisionHistoryLimit: 10,
    ...more,
  },
});

export const names = (objects: readonly { metadata?: { name?: string } }[]): string[] =>
  objects.map((object) => object.metadata?.name ?? "").sort();
