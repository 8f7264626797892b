import type { Pod, StatefulSet, StatefulSetStatus } from "../../api/index.ts";
import { scaledValue } from "../../machinery/index.ts";
import { availableIn, isFinished, isLeaving, isReady } from "../pods/state.ts";
import { ordinalOf, revisionLabel } from "./identity.ts";

export interface StatefulPlan {
  /** Ordinals of pods to create, with their revisions. */
  create: { ordinal: number; current: boolean }[];
  remove: Pod[];
  status: StatefulSetStatus;
  /** When the next ready pod becomes available. */
  nextMs: number | undefined;
}

export interface StatefulState {
  set: StatefulSet;
  pods: readonly Pod[];
  /** Names of the current and the update revision. */
  current: string;
  update: string;
  now: number;
}

const revisionOf = (pod: Pod): string => pod.metadata?.labels?.[revisionLabel] ?? "";

/** The next step: pods in ascending order when scaling up, descending when scaling down and updating. */
export function planStatefulSet(state: StatefulState): StatefulPlan {
  const { set, pods, now, update } = state;
  const start = set.spec?.ordinals?.start ?? 0;
  const replicas = set.spec?.replicas ?? 1;
  const ordered = (set.spec?.podManagementPolicy ?? "OrderedReady") === "OrderedReady";
  const minReady = set.spec?.minReadySeconds ?? 0;
  const byOrdinal = new Map<number, Pod>();
  const condemned: Pod[] = [];
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal >= start && ordinal < start + replicas) byOrdinal.set(ordinal, pod);
    else if (ordinal >= 0) condemned.push(pod);
  }
  let nextMs: number | undefined;
  const isAvailable = (pod: Pod): boolean => {
    const wait = availableIn(pod, minReady, now);
    if (wait !== undefined && wait > 0) nextMs = Math.min(wait, nextMs ?? wait);
    return wait === 0 && pod.status?.phase === "Running";
  };
  const isHealthy = (pod: Pod): boolean => pod.status?.phase === "Running" && isReady(pod) && !isLeaving(pod);
  const plan: StatefulPlan = { create: [], remove: [], status: status(), nextMs: undefined };
  decide();
  plan.nextMs = nextMs;
  return plan;

  function decide(): void {
    if (set.metadata?.deletionTimestamp) return;
    let settledSoFar = true;
    for (let ordinal = start; ordinal < start + replicas; ordinal++) {
      const pod = byOrdinal.get(ordinal);
      if (!pod) {
        plan.create.push({ ordinal, current: needsCurrent(ordinal) });
        if (ordered) return;
        settledSoFar = false;
        continue;
      }
      if (isFinished(pod) && !isLeaving(pod)) {
        // A finished pod's ordinal is still needed: the next sync recreates it.
        plan.remove.push(pod);
        if (ordered) return;
        settledSoFar = false;
      } else if (isLeaving(pod) || !isHealthy(pod) || !isAvailable(pod)) {
        settledSoFar = false;
        if (ordered) return;
      }
    }
    if (!scaleDown()) return;
    if (settledSoFar || !ordered) updateOld();
  }

  /** False while a pod still terminates and the order forbids further deletions. */
  function scaleDown(): boolean {
    condemned.sort((a, b) => ordinalOf(set, b) - ordinalOf(set, a));
    const unhealthy = condemned.filter((pod) => !isHealthy(pod)).at(-1);
    for (const pod of condemned) {
      if (isLeaving(pod)) {
        if (ordered) return false;
        continue;
      }
      if (ordered && !isHealthy(pod) && pod !== unhealthy) return false;
      plan.remove.push(pod);
      if (ordered) return false;
    }
    return condemned.length === 0 || !ordered;
  }

  function updateOld(): void {
    const strategy = set.spec?.updateStrategy;
    if (strategy?.type === "OnDelete") return;
    const partition = Math.max(start, start + (strategy?.rollingUpdate?.partition ?? 0));
    const most = Math.max(1, scaledValue(strategy?.rollingUpdate?.maxUnavailable ?? 1, replicas, true));
    let unavailable = [...byOrdinal.values()].filter((pod) => !isHealthy(pod) || !isAvailable(pod)).length;
    unavailable += replicas - byOrdinal.size;
    for (let ordinal = start + replicas - 1; ordinal >= partition; ordinal--) {
      const pod = byOrdinal.get(ordinal);
      if (!pod) continue;
      const old = revisionOf(pod) !== update;
      const well = isHealthy(pod) && isAvailable(pod);
      if (old && !isLeaving(pod) && (unavailable < most || !well)) {
        plan.remove.push(pod);
        if (well) unavailable++;
      }
      // The next lower ordinal waits until this one is available.
      if (unavailable >= most) return;
    }
  }

  /** Pods below the partition, and not yet updated ones, are created with the current revision. */
  function needsCurrent(ordinal: number): boolean {
    const strategy = set.spec?.updateStrategy;
    if (state.current === update || strategy?.type === "OnDelete") return false;
    const partition = strategy?.rollingUpdate?.partition;
    if (partition !== undefined && partition > 0) return ordinal < start + partition;
    return ordinal < start + (set.status?.currentReplicas ?? 0);
  }

  function status(): StatefulSetStatus {
    const all = [...byOrdinal.values(), ...condemned];
    const count = (accept: (pod: Pod) => boolean): number => all.filter(accept).length;
    const alive = (pod: Pod): boolean => !isLeaving(pod) && !isFinished(pod);
    const made = count((pod) => pod.status?.phase !== undefined);
    const updated = count((pod) => alive(pod) && revisionOf(pod) === update);
    const ready = count((pod) => pod.status?.phase === "Running" && isReady(pod));
    const rolling = set.spec?.updateStrategy?.type !== "OnDelete";
    const finished = rolling && updated === made && ready === made && updated === replicas;
    const current = finished ? update : state.current;
    return {
      observedGeneration: set.metadata?.generation ?? 0,
      replicas: made,
      readyReplicas: ready,
      availableReplicas: count((pod) => isAvailable(pod) && isReady(pod)),
      currentReplicas: count((pod) => alive(pod) && revisionOf(pod) === current),
      updatedReplicas: updated,
      currentRevision: current,
      updateRevision: update,
      collisionCount: set.status?.collisionCount ?? 0,
      ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
    };
  }
}
