import type { Pod, PodCondition } from "../../api/index.ts";

function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export const isReady = (pod: Pod): boolean => podCondition(pod, "Ready")?.status === "True";

/** It has succeeded or failed. */
export const isFinished = (pod: Pod): boolean =>
  pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";

export const isLeaving = (pod: Pod): boolean => pod.metadata?.deletionTimestamp !== undefined;

/** It counts as a replica. */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && !isLeaving(pod);

/** When the pod became ready, in epoch milliseconds; 0 when it is not ready or the time is unknown. */
export function readySince(pod: Pod): number {
  const ready = podCondition(pod, "Ready");
  return ready?.status === "True" && ready.lastTransitionTime ? Date.parse(ready.lastTransitionTime) : 0;
}

/** Milliseconds until a ready pod is available by `minReadySeconds`; 0 when it is, undefined when it is not ready. */
export function availableIn(pod: Pod, minReadySeconds: number, now: number): number | undefined {
  if (!isReady(pod)) return undefined;
  if (minReadySeconds === 0) return 0;
  const since = readySince(pod);
  return since === 0 ? undefined : Math.max(0, since + minReadySeconds * 1000 - now);
}
