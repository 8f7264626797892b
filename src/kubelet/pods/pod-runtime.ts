import { formatTime } from "../../machinery/index.ts";
import type { ContainerStatus, PodSandboxStatus, RuntimeService } from "../../cri/index.ts";
import { CriError } from "../../cri/index.ts";

/** Labels and annotations by which kubelets identify their pods in the runtime. */
export const runtimeLabels = {
  podName: "io.kubernetes.pod.name",
  podNamespace: "io.kubernetes.pod.namespace",
  podUid: "io.kubernetes.pod.uid",
  containerName: "io.kubernetes.container.name",
} as const;

export const runtimeAnnotations = {
  containerHash: "io.kubernetes.container.hash",
  restartCount: "io.kubernetes.container.restartCount",
  terminationMessagePath: "io.kubernetes.container.terminationMessagePath",
  terminationMessagePolicy: "io.kubernetes.container.terminationMessagePolicy",
  podTerminationGracePeriod: "io.kubernetes.pod.terminationGracePeriod",
  /** wherry's own: set if the pod waits for the container's end, for the simulated runtime. */
  ends: "io.wherry.container.ends",
} as const;

/** The runtime's state of one pod. Newest first. */
export interface PodRuntime {
  uid: string;
  name: string;
  namespace: string;
  sandboxes: PodSandboxStatus[];
  containers: ContainerStatus[];
}

export function emptyRuntime(uid: string, name: string, namespace: string): PodRuntime {
  return { uid, name, namespace, sandboxes: [], containers: [] };
}

/** The current sandbox: the newest ready one. */
export function readySandbox(runtime: PodRuntime): PodSandboxStatus | undefined {
  return runtime.sandboxes.find((s) => s.state === "Ready");
}

/** All runs of a container, newest first, in all sandboxes or in one. */
export function runsOf(runtime: PodRuntime, container: string, sandboxId?: string): ContainerStatus[] {
  return runtime.containers.filter(
    (c) =>
      c.labels[runtimeLabels.containerName] === container &&
      (sandboxId === undefined || c.sandboxId === sandboxId),
  );
}

/** Reads one pod's state. Objects that vanish in the meantime are skipped. */
export async function readPodRuntime(
  runtime: RuntimeService,
  uid: string,
  name: string,
  namespace: string,
): Promise<PodRuntime> {
  const labels = { [runtimeLabels.podUid]: uid };
  const [sandboxes, containers] = await Promise.all([
    runtime.listPodSandbox({ labels }),
    runtime.listContainers({ labels }),
  ]);
  const [sandboxStatuses, containerStatuses] = await Promise.all([
    Promise.all(sandboxes.map((s) => orGone(runtime.podSandboxStatus(s.id)))),
    Promise.all(containers.map((c) => orGone(runtime.containerStatus(c.id)))),
  ]);
  return {
    uid,
    name,
    namespace,
    sandboxes: sandboxStatuses.filter((s) => s !== undefined).sort(newestSandbox),
    containers: containerStatuses.filter((c) => c !== undefined).sort(newestContainer),
  };
}

/** All pods in the runtime, by UID, to adopt them after a restart. */
export async function listRuntimePods(runtime: RuntimeService): Promise<Map<string, PodRuntime>> {
  const pods = new Map<string, PodRuntime>();
  const [sandboxes, containers] = await Promise.all([runtime.listPodSandbox(), runtime.listContainers()]);
  for (const { labels } of [...sandboxes, ...containers]) {
    const uid = labels[runtimeLabels.podUid];
    if (!uid || pods.has(uid)) continue;
    pods.set(
      uid,
      emptyRuntime(uid, labels[runtimeLabels.podName] ?? "", labels[runtimeLabels.podNamespace] ?? ""),
    );
  }
  return pods;
}

async function orGone<T>(status: Promise<T>): Promise<T | undefined> {
  try {
    return await status;
  } catch (cause) {
    if (cause instanceof CriError && cause.code === "NotFound") return undefined;
    throw cause;
  }
}

function newestSandbox(a: PodSandboxStatus, b: PodSandboxStatus): number {
  return compare(b.createdAt, a.createdAt) || b.metadata.attempt - a.metadata.attempt;
}

function newestContainer(a: ContainerStatus, b: ContainerStatus): number {
  return compare(b.createdAt, a.createdAt) || b.metadata.attempt - a.metadata.attempt;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** RFC 3339 with whole seconds, like metav1.Time. */
export function timeFromNanos(nanos: bigint): string {
  return formatTime(Number(nanos / 1_000_000n));
}
