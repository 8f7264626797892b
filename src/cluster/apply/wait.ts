import type { EndpointSlice, KubeObject, Pod } from "../../api/index.ts";
import { type Client, createInformer, type Informer } from "../../client/index.ts";
import { type Clock, type Logger, silentLogger } from "../../machinery/index.ts";
import { ClusterError } from "../cluster-error.ts";
import { type Unready, unready } from "./readiness.ts";

/** Kinds that are watched besides pods and endpoints; plural by `apiVersion/kind`. */
const watched: Readonly<Record<string, string>> = {
  "apps/v1/Deployment": "deployments",
  "apps/v1/ReplicaSet": "replicasets",
  "apps/v1/StatefulSet": "statefulsets",
  "apps/v1/DaemonSet": "daemonsets",
  "batch/v1/Job": "jobs",
  "v1/Service": "services",
  "v1/Pod": "pods",
  "v1/PersistentVolumeClaim": "persistentvolumeclaims",
};

const keyOf = (object: KubeObject): string => `${object.apiVersion}/${object.kind}`;
/** A final reason must last this long, since the kubelet may be behind. */
const hopelessMs = 3000;

export interface WaitOptions {
  client: Client;
  clock: Clock;
  timeoutMs: number;
  onProgress(text: string): void;
  /** Also waits for external addresses of LoadBalancer Services. */
  reachable: boolean;
  log?: Logger;
  signal?: AbortSignal;
}

/** Resolves when all applied objects are ready. Rejects with a sentence about what is not, and why. */
export async function waitUntilReady(applied: readonly KubeObject[], options: WaitOptions): Promise<void> {
  const { client, clock, timeoutMs, onProgress } = options;
  const relevant = applied.filter((object) => watched[keyOf(object)] !== undefined);
  if (relevant.length === 0) return;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const informers = new Map<string, Informer<KubeObject>>();
  const watch = (apiVersion: string, plural: string): Informer<KubeObject> => {
    const key = `${apiVersion}/${plural}`;
    const known = informers.get(key);
    if (known) return known;
    const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
    const made = createInformer<KubeObject>({
      resource: client.resource(group ?? "", version ?? "", plural),
      clock,
      log: options.log ?? silentLogger,
      signal,
    });
    informers.set(key, made);
    return made;
  };
  try {
    const pods = watch("v1", "pods") as unknown as Informer<Pod>;
    const slices = watch("discovery.k8s.io/v1", "endpointslices") as unknown as Informer<EndpointSlice>;
    for (const object of relevant) watch(object.apiVersion ?? "", watched[keyOf(object)] ?? "");
    let wake: () => void = () => {};
    for (const informer of informers.values()) informer.onChange(() => wake());
    await Promise.all([...informers.values()].map((informer) => informer.synced));
    const deadline = clock.monotonic() + timeoutMs;
    let hopelessSince: number | undefined;
    let told = "";
    for (;;) {
      const changed = new Promise<void>((resolve) => (wake = resolve));
      options.signal?.throwIfAborted();
      const open = unready(relevant, {
        pods: pods.list(),
        endpointSlices: slices.list(),
        reachable: options.reachable,
        current: (object) => {
          const { namespace = "default", name } = object.metadata ?? {};
          return informers.get(`${object.apiVersion}/${watched[keyOf(object)]}`)?.get(`${namespace}/${name}`);
        },
      });
      if (open.length === 0) return;
      const text = progressText(relevant.length, open);
      if (text !== told) onProgress(text);
      told = text;
      const now = clock.monotonic();
      const hopeless = open.some((each) => each.final);
      hopelessSince = hopeless ? (hopelessSince ?? now) : undefined;
      if (now > deadline || (hopelessSince !== undefined && now - hopelessSince > hopelessMs))
        throw notReady(await withWarnings(client, open), timeoutMs, hopeless);
      await Promise.race([changed, clock.sleep(Math.min(500, Math.max(1, deadline - now)), signal)]);
    }
  } finally {
    stop.abort();
  }
}

function progressText(total: number, open: readonly Unready[]): string {
  const [next] = open;
  return `${total - open.length} of ${total} ready; waiting for ${next?.what} (${next?.why})`;
}

/** Adds the last warning about the pod to each reason, e.g. why a probe fails. */
async function withWarnings(client: Client, open: readonly Unready[]): Promise<Unready[]> {
  return Promise.all(
    open.map(async (each) => {
      if (!each.pod) return each;
      const { namespace, name } = each.pod;
      const fieldSelector = `involvedObject.name=${name},type=Warning`;
      const { items } = await client.events.list(namespace, { fieldSelector }).catch(() => ({ items: [] }));
      const last = items
        .filter((event) => event.message && !each.why.includes(event.message))
        .sort((a, b) => ((a.lastTimestamp ?? "") < (b.lastTimestamp ?? "") ? -1 : 1))
        .at(-1);
      return last ? { ...each, why: `${each.why}; last warning: ${last.message?.trim()}` } : each;
    }),
  );
}

function notReady(open: readonly Unready[], timeoutMs: number, hopeless: boolean): ClusterError {
  const lines = open.map((each) => `  ${each.what}: ${each.why}`).join("\n");
  const head = hopeless
    ? "not everything will become ready"
    : `not everything is ready after ${timeoutMs / 1000} s`;
  return new ClusterError(`${head}:\n${lines}`, {
    hint: "Look closer with: wherry kubectl describe pods; wherry kubectl logs",
  });
}
