import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { replicasOf } from "./bounds.ts";

type Conditions = readonly DeploymentCondition[] | undefined;

export const conditionOf = (conditions: Conditions, type: string): DeploymentCondition | undefined =>
  conditions?.find((condition) => condition.type === type);

export const without = (conditions: Conditions, type: string): DeploymentCondition[] =>
  (conditions ?? []).filter((condition) => condition.type !== type);

/** Replaces the condition unless status and reason are the same; the transition time moves with the status only. */
export function withCondition(
  conditions: Conditions,
  next: Pick<DeploymentCondition, "type" | "status" | "reason" | "message">,
  now: number,
): DeploymentCondition[] {
  const known = conditionOf(conditions, next.type);
  if (known && known.status === next.status && known.reason === next.reason) return [...(conditions ?? [])];
  const time = formatTime(now);
  const since = known?.status === next.status ? (known.lastTransitionTime ?? time) : time;
  return [...without(conditions, next.type), { ...next, lastUpdateTime: time, lastTransitionTime: since }];
}

/** Kubernetes' largest int32 stands for "no deadline". */
const noDeadline = 2147483647;

export function deadlineMs(deployment: Deployment): number | undefined {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  return seconds === undefined || seconds === noDeadline ? undefined : seconds * 1000;
}

/** Only new pods exist, and all are available. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)
  );
}

function hasMoved(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** Milliseconds until the progress deadline; undefined when nothing is awaited. */
export function timeLeft(deployment: Deployment, conditions: Conditions, now: number): number | undefined {
  const deadline = deadlineMs(deployment);
  const known = conditionOf(conditions, "Progressing");
  if (deadline === undefined || !known) return undefined;
  if (known.reason === "NewReplicaSetAvailable" || known.reason === "ProgressDeadlineExceeded")
    return undefined;
  return Math.max(0, Date.parse(known.lastUpdateTime ?? "") + deadline - now);
}

/** The Progressing condition for the change of `status`. */
export function progress(
  deployment: Deployment,
  status: DeploymentStatus,
  newest: ReplicaSet | undefined,
  now: number,
): DeploymentCondition[] {
  const { conditions } = status;
  if (deadlineMs(deployment) === undefined) return without(conditions, "Progressing");
  const known = conditionOf(conditions, "Progressing");
  const settledAlready =
    status.replicas === status.updatedReplicas && known?.reason === "NewReplicaSetAvailable";
  if (settledAlready) return [...(conditions ?? [])];
  const subject = newest
    ? `ReplicaSet "${newest.metadata?.name}"`
    : `Deployment "${deployment.metadata?.name}"`;
  const type = "Progressing";
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    return withCondition(
      conditions,
      { type, status: "True", reason: "NewReplicaSetAvailable", message },
      now,
    );
  }
  if (hasMoved(deployment.status ?? {}, status)) {
    const time = formatTime(now);
    const since = known?.status === "True" ? (known.lastTransitionTime ?? time) : time;
    return [
      ...without(conditions, type),
      {
        type,
        status: "True",
        reason: "ReplicaSetUpdated",
        message: `${subject} is progressing.`,
        lastUpdateTime: time,
        lastTransitionTime: since,
      },
    ];
  }
  const timedOut =
    known?.reason === "ProgressDeadlineExceeded" || timeLeft(deployment, conditions, now) === 0;
  if (timedOut) {
    const message = `${subject} has timed out progressing.`;
    return withCondition(
      conditions,
      { type, status: "False", reason: "ProgressDeadlineExceeded", message },
      now,
    );
  }
  return [...(conditions ?? [])];
}

/** Records pauses, so that paused time does not count against the deadline. */
export function pauseCondition(deployment: Deployment, now: number): DeploymentCondition[] {
  const conditions = deployment.status?.conditions;
  const known = conditionOf(conditions, "Progressing");
  if (deadlineMs(deployment) === undefined || known?.reason === "ProgressDeadlineExceeded") {
    return [...(conditions ?? [])];
  }
  const noted = known?.reason === "DeploymentPaused";
  const paused = deployment.spec?.paused === true;
  const type = "Progressing";
  if (paused && !noted) {
    const message = "Deployment is paused";
    return withCondition(conditions, { type, status: "Unknown", reason: "DeploymentPaused", message }, now);
  }
  if (!paused && noted) {
    const message = "Deployment is resumed";
    return withCondition(conditions, { type, status: "Unknown", reason: "DeploymentResumed", message }, now);
  }
  return [...(conditions ?? [])];
}
