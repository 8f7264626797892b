import type { Deployment, ReplicaSet } from "../../api/index.ts";
import { scaledValue } from "../../machinery/index.ts";

export const replicasOf = (object: ReplicaSet | Deployment): number => object.spec?.replicas ?? 1;

export const sumReplicas = (sets: readonly ReplicaSet[]): number =>
  sets.reduce((sum, set) => sum + replicasOf(set), 0);

export const sumAvailable = (sets: readonly ReplicaSet[]): number =>
  sets.reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0);

export const isRolling = (deployment: Deployment): boolean =>
  (deployment.spec?.strategy?.type ?? "RollingUpdate") === "RollingUpdate";

/**
 * Pods above and available pods below the wanted number that a rolling update may pass through. Percentages of surge are
 * rounded up, of unavailability down; both zero would never move, so one may be missing then.
 */
export function rollingBounds(deployment: Deployment): { maxSurge: number; maxUnavailable: number } {
  const replicas = replicasOf(deployment);
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = "25%", maxUnavailable = "25%" } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, true);
  let unavailable = scaledValue(maxUnavailable, replicas, false);
  if (surge === 0 && unavailable === 0) unavailable = 1;
  return { maxSurge: surge, maxUnavailable: Math.min(unavailable, replicas) };
}

/** The allowed size of the newest ReplicaSet. */
export function newSetSize(deployment: Deployment, sets: readonly ReplicaSet[], current: number): number {
  const wanted = replicasOf(deployment);
  if (!isRolling(deployment)) return wanted;
  const room = wanted + rollingBounds(deployment).maxSurge - sumReplicas(sets);
  return room <= 0 ? current : current + Math.min(room, wanted - current);
}
