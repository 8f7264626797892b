import type {
  Pod,
  ReplicaSet,
  ReplicaSetCondition,
  ReplicaSetStatus,
  ReplicationController,
} from "../../api/index.ts";
import { deepEqual, formatTime } from "../../machinery/index.ts";
import { rankForDeletion } from "../pods/ranking.ts";
import { availableIn, isReady } from "../pods/state.ts";

/** Limit of pods created or deleted in one sync. */
const burst = 500;

export type ReplicaPlan = { create: number; remove: readonly Pod[] };

/** `active` are the set's own pods that count as replicas; `related` those of the same Deployment, including its own. */
export function planReplicas(
  set: ReplicaSet | ReplicationController,
  active: readonly Pod[],
  related: readonly Pod[],
  now: number,
): ReplicaPlan {
  const surplus = active.length - (set.spec?.replicas ?? 1);
  if (surplus < 0) return { create: Math.min(-surplus, burst), remove: [] };
  if (surplus === 0) return { create: 0, remove: [] };
  const count = Math.min(surplus, burst);
  const ranked = surplus < active.length ? rankForDeletion(active, related, now) : active;
  return { create: 0, remove: ranked.slice(0, count) };
}

/** The error of creating or deleting pods. */
export interface ReplicaFailure {
  reason: "FailedCreate" | "FailedDelete";
  message: string;
}

/** The status for these pods; `nextMs`: when the next ready pod becomes available. */
export function replicaSetStatus(
  set: ReplicaSet | ReplicationController,
  active: readonly Pod[],
  terminating: number | undefined,
  failure: ReplicaFailure | undefined,
  now: number,
): { status: ReplicaSetStatus; nextMs: number | undefined } {
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const labels = Object.entries(set.spec?.template?.metadata?.labels ?? {});
  let fullyLabeled = 0;
  let ready = 0;
  let available = 0;
  let nextMs: number | undefined;
  for (const pod of active) {
    if (labels.every(([key, value]) => pod.metadata?.labels?.[key] === value)) fullyLabeled++;
    if (!isReady(pod)) continue;
    ready++;
    const wait = availableIn(pod, minReadySeconds, now);
    if (wait === 0) available++;
    else if (wait !== undefined) nextMs = Math.min(wait, nextMs ?? wait);
  }
  const conditions = withFailure(set.status?.conditions ?? [], failure, now);
  return {
    nextMs,
    status: {
      replicas: active.length,
      fullyLabeledReplicas: fullyLabeled,
      readyReplicas: ready,
      availableReplicas: available,
      ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
      observedGeneration: set.metadata?.generation ?? 0,
      ...(conditions.length > 0 ? { conditions } : {}),
    },
  };
}

function withFailure(
  old: readonly ReplicaSetCondition[],
  failure: ReplicaFailure | undefined,
  now: number,
): ReplicaSetCondition[] {
  const others = old.filter((condition) => condition.type !== "ReplicaFailure");
  if (!failure) return others;
  const known = old.find((condition) => condition.type === "ReplicaFailure");
  const { reason, message } = failure;
  if (known?.reason === reason && known.status === "True") return [...others, known];
  return [
    ...others,
    { type: "ReplicaFailure", status: "True", reason, message, lastTransitionTime: formatTime(now) },
  ];
}

/** Absent numbers equal zero. */
export function sameStatus(a: ReplicaSetStatus | undefined, b: ReplicaSetStatus): boolean {
  return (
    (a?.replicas ?? 0) === b.replicas &&
    (a?.fullyLabeledReplicas ?? 0) === b.fullyLabeledReplicas &&
    (a?.readyReplicas ?? 0) === b.readyReplicas &&
    (a?.availableReplicas ?? 0) === b.availableReplicas &&
    (a?.terminatingReplicas ?? 0) === (b.terminatingReplicas ?? 0) &&
    a?.observedGeneration === b.observedGeneration &&
    deepEqual(a?.conditions ?? [], b.conditions ?? [])
  );
}
