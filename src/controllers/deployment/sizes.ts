import type { Deployment, ReplicaSet } from "../../api/index.ts";
import { annotatedNumber, desiredAnnotation, maxAnnotation } from "./revision.ts";
import { isRolling, newSetSize, replicasOf, rollingBounds, sumAvailable, sumReplicas } from "./bounds.ts";

/** Sizes that sets should have instead of what they have; sets that stay are not in it. */
export type Sizes = Map<ReplicaSet, number>;

export const byAge = (a: ReplicaSet, b: ReplicaSet): number => {
  const [left = "", right = ""] = [a.metadata?.creationTimestamp, b.metadata?.creationTimestamp];
  if (left !== right) return left < right ? -1 : 1;
  return (a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1;
};

export const activeSets = (sets: readonly ReplicaSet[]): ReplicaSet[] =>
  sets.filter((set) => replicasOf(set) > 0);

/** The Deployment was scaled since its sets were last sized. */
export function wasScaled(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return activeSets(sets).some((set) => {
    const desired = annotatedNumber(set, desiredAnnotation);
    return desired !== undefined && desired !== replicasOf(deployment);
  });
}

/** One step of a rolling update: first the new set grows as far as it may, then the old ones shrink. */
export function rollingSizes(deployment: Deployment, newest: ReplicaSet, olds: readonly ReplicaSet[]): Sizes {
  const all = [...olds, newest];
  const wanted = replicasOf(deployment);
  const current = replicasOf(newest);
  const target = current > wanted ? wanted : newSetSize(deployment, all, current);
  if (target !== current) return new Map([[newest, target]]);
  return shrinkOld(deployment, newest, olds);
}

function shrinkOld(deployment: Deployment, newest: ReplicaSet, olds: readonly ReplicaSet[]): Sizes {
  const sizes: Sizes = new Map();
  const active = activeSets(olds).sort(byAge);
  if (active.length === 0) return sizes;
  const all = [...olds, newest];
  const minAvailable = replicasOf(deployment) - rollingBounds(deployment).maxUnavailable;
  const newUnavailable = replicasOf(newest) - (newest.status?.availableReplicas ?? 0);
  let mayGo = sumReplicas(all) - minAvailable - newUnavailable;
  if (mayGo <= 0) return sizes;

  // Unavailable old pods are deleted first.
  for (const set of active) {
    const unhealthy = replicasOf(set) - (set.status?.availableReplicas ?? 0);
    const gone = Math.min(mayGo, unhealthy);
    if (gone <= 0) continue;
    sizes.set(set, replicasOf(set) - gone);
    mayGo -= gone;
  }
  let spare = sumAvailable(all) - minAvailable;
  for (const set of active) {
    const size = sizes.get(set) ?? replicasOf(set);
    const gone = Math.min(size, spare);
    if (gone <= 0) continue;
    sizes.set(set, size - gone);
    spare -= gone;
  }
  return sizes;
}

/** Sizes after scaling the Deployment, or while it is paused: proportional to the current ones. */
export function scaledSizes(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  olds: readonly ReplicaSet[],
): Sizes {
  const wanted = replicasOf(deployment);
  const all = newest ? [...olds, newest] : [...olds];
  const active = activeSets(all);
  if (active.length <= 1) {
    const only = active[0] ?? newest ?? [...olds].sort(byAge).at(-1);
    return new Map(only && replicasOf(only) !== wanted ? [[only, wanted]] : []);
  }
  if (newest && isSaturated(deployment, newest)) {
    return new Map(activeSets(olds).map((set) => [set, 0]));
  }
  return isRolling(deployment) ? proportionalSizes(deployment, active) : new Map();
}

function isSaturated(deployment: Deployment, set: ReplicaSet): boolean {
  const wanted = replicasOf(deployment);
  return (
    replicasOf(set) === wanted &&
    annotatedNumber(set, desiredAnnotation) === wanted &&
    (set.status?.availableReplicas ?? 0) === wanted
  );
}

function proportionalSizes(deployment: Deployment, active: readonly ReplicaSet[]): Sizes {
  const wanted = replicasOf(deployment);
  const max = wanted + rollingBounds(deployment).maxSurge;
  const change = (wanted > 0 ? max : 0) - sumReplicas(active);
  // Growing favours the larger, then the newer; shrinking the larger, then the older.
  const ordered = [...active].sort(
    (a, b) => replicasOf(b) - replicasOf(a) || (change > 0 ? byAge(b, a) : byAge(a, b)),
  );
  const sizes: Sizes = new Map();
  let given = 0;
  for (const set of ordered) {
    const share = change === 0 ? 0 : shareOf(deployment, set, max, change, given);
    sizes.set(set, replicasOf(set) + share);
    given += share;
  }
  const first = ordered[0];
  // The remainder of rounding goes to the largest.
  if (first && change !== given) sizes.set(first, Math.max(0, (sizes.get(first) ?? 0) + change - given));
  for (const [set, size] of sizes) if (size === replicasOf(set)) sizes.delete(set);
  return sizes;
}

function shareOf(
  deployment: Deployment,
  set: ReplicaSet,
  max: number,
  change: number,
  given: number,
): number {
  const size = replicasOf(set);
  const before = annotatedNumber(set, maxAnnotation) || (deployment.status?.replicas ?? 0);
  const exact = replicasOf(deployment) === 0 ? -size : Math.round((size * max) / (before || 1)) - size;
  const left = change - given;
  return change > 0 ? Math.min(exact, left) : Math.max(exact, left);
}

/** Sets of the history to be deleted: the oldest revisions beyond the limit that hold no pods. */
export function surplusHistory(
  olds: readonly ReplicaSet[],
  limit: number,
  revision: (set: ReplicaSet) => bigint,
): ReplicaSet[] {
  const alive = olds.filter((set) => set.metadata?.deletionTimestamp === undefined);
  const surplus = alive.length - limit;
  if (surplus <= 0) return [];
  const sorted = alive.sort((a, b) => (revision(a) < revision(b) ? -1 : 1));
  return sorted
    .slice(0, surplus)
    .filter(
      (set) =>
        (set.status?.replicas ?? 0) === 0 &&
        replicasOf(set) === 0 &&
        (set.metadata?.generation ?? 0) <= (set.status?.observedGeneration ?? 0),
    );
}
