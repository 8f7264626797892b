import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import { replicasOf, rollingBounds, sumAvailable, sumReplicas } from "./bounds.ts";
import { conditionOf, withCondition, without } from "./conditions.ts";

/** The counts that these sets add up to, with the Available and ReplicaFailure conditions. */
export function countStatus(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  olds: readonly ReplicaSet[],
  conditions: readonly DeploymentCondition[],
  now: number,
): DeploymentStatus {
  const all = newest ? [...olds, newest] : olds;
  const sum = (field: "replicas" | "readyReplicas" | "terminatingReplicas"): number =>
    all.reduce((total, set) => total + (set.status?.[field] ?? 0), 0);
  const available = sumAvailable(all);
  const minimum = replicasOf(deployment) - rollingBounds(deployment).maxUnavailable;
  const enough = available >= minimum;
  let next = withCondition(
    conditions,
    enough
      ? {
          type: "Available",
          status: "True",
          reason: "MinimumReplicasAvailable",
          message: "Deployment has minimum availability.",
        }
      : {
          type: "Available",
          status: "False",
          reason: "MinimumReplicasUnavailable",
          message: "Deployment does not have minimum availability.",
        },
    now,
  );
  const failing = [...(newest ? [newest] : []), ...olds]
    .map((set) => set.status?.conditions?.find((condition) => condition.type === "ReplicaFailure"))
    .find((condition) => condition !== undefined);
  if (failing) {
    const { status, reason = "", message = "" } = failing;
    next = withCondition(next, { type: "ReplicaFailure", status, reason, message }, now);
  } else next = without(next, "ReplicaFailure");
  const collisions = deployment.status?.collisionCount;
  return {
    observedGeneration: deployment.metadata?.generation ?? 0,
    replicas: sum("replicas"),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sum("readyReplicas"),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sumReplicas(all) - available),
    terminatingReplicas: sum("terminatingReplicas"),
    ...(collisions === undefined ? {} : { collisionCount: collisions }),
    conditions: next,
  };
}

const counts = [
  "observedGeneration",
  "replicas",
  "updatedReplicas",
  "readyReplicas",
  "availableReplicas",
  "unavailableReplicas",
  "terminatingReplicas",
  "collisionCount",
] as const;

/** Absent numbers and zero are the same; the order of conditions does not matter. */
export function sameStatus(a: DeploymentStatus | undefined, b: DeploymentStatus): boolean {
  if (counts.some((field) => (a?.[field] ?? 0) !== (b[field] ?? 0))) return false;
  const [left, right] = [a?.conditions ?? [], b.conditions ?? []];
  return (
    left.length === right.length &&
    left.every((condition) => deepEqual(condition, conditionOf(right, condition.type)))
  );
}
