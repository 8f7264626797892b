import type { DaemonSet, DaemonSetStatus, Node, Pod } from "../../api/index.ts";
import { scaledValue } from "../../machinery/index.ts";
import { availableIn, isFinished, isLeaving, isReady } from "../pods/state.ts";
import { nodeOf, placement } from "./placement.ts";

export const hashLabel = "controller-revision-hash";

export interface DaemonPlan {
  /** Nodes that need a pod. */
  create: string[];
  remove: Pod[];
  /** The failed pods in `remove`. */
  failed: Pod[];
  status: DaemonSetStatus;
  nextMs: number | undefined;
}

export interface DaemonState {
  set: DaemonSet;
  nodes: readonly Node[];
  pods: readonly Pod[];
  /** Hash of the current template. */
  hash: string;
  now: number;
}

/** One pod on every eligible node. */
export function planDaemonSet(state: DaemonState): DaemonPlan {
  const { set, nodes, pods, hash, now } = state;
  const minReady = set.spec?.minReadySeconds ?? 0;
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = nodeOf(pod);
    if (node) byNode.set(node, [...(byNode.get(node) ?? []), pod]);
  }
  const known = new Set(nodes.map((node) => node.metadata?.name ?? ""));
  const plan: DaemonPlan = { create: [], remove: [], failed: [], status: blank(set), nextMs: undefined };
  const status = plan.status;
  const olds: { pod: Pod; available: boolean }[] = [];
  let unavailable = 0;

  for (const node of nodes) {
    const name = node.metadata?.name ?? "";
    const there = byNode.get(name) ?? [];
    const { run, stay } = placement(set, node);
    const alive = there.filter((pod) => !isLeaving(pod));
    if (!run) {
      if (alive.length > 0) status.numberMisscheduled++;
      if (!stay) plan.remove.push(...alive);
      continue;
    }
    status.desiredNumberScheduled++;
    const broken = alive.filter(isFinished);
    plan.failed.push(...broken);
    const [oldest, ...extra] = alive.filter((pod) => !isFinished(pod)).sort(byAge);
    plan.remove.push(...broken, ...extra);
    // The next one is created when the last one is gone, since both would use the same host ports.
    if (!oldest && there.length === 0) plan.create.push(name);
    if (there.length > 0) status.currentNumberScheduled++;
    if (!oldest) {
      unavailable++;
      continue;
    }
    const wait = availableIn(oldest, minReady, now);
    if (wait !== undefined && wait > 0) plan.nextMs = Math.min(wait, plan.nextMs ?? wait);
    if (isReady(oldest)) status.numberReady++;
    const available = wait === 0;
    if (available) status.numberAvailable = (status.numberAvailable ?? 0) + 1;
    else unavailable++;
    const current = oldest.metadata?.labels?.[hashLabel] === hash;
    if (current) status.updatedNumberScheduled = (status.updatedNumberScheduled ?? 0) + 1;
    else olds.push({ pod: oldest, available });
  }
  for (const [node, there] of byNode) {
    if (!known.has(node)) plan.remove.push(...there.filter((pod) => !isLeaving(pod)));
  }
  status.numberUnavailable = status.desiredNumberScheduled - (status.numberAvailable ?? 0);
  if (set.metadata?.deletionTimestamp) return { ...plan, create: [], remove: [], failed: [] };
  plan.remove.push(...outdated());
  return plan;

  /** Pods of older templates that may be deleted now. */
  function outdated(): Pod[] {
    if (set.spec?.updateStrategy?.type === "OnDelete") return [];
    const wanted = status.desiredNumberScheduled;
    const most = Math.max(
      1,
      scaledValue(set.spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, wanted, true),
    );
    // Deleting unavailable pods costs no availability.
    const gone = olds.filter((each) => !each.available).map((each) => each.pod);
    const spare = Math.max(0, most - unavailable);
    return [
      ...gone,
      ...olds
        .filter((each) => each.available)
        .map((each) => each.pod)
        .slice(0, spare),
    ];
  }
}

function blank(set: DaemonSet): DaemonSetStatus {
  const { collisionCount, conditions } = set.status ?? {};
  return {
    observedGeneration: set.metadata?.generation ?? 0,
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
    numberAvailable: 0,
    numberUnavailable: 0,
    updatedNumberScheduled: 0,
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions ? { conditions } : {}),
  };
}

const byAge = (a: Pod, b: Pod): number =>
  (a.metadata?.creationTimestamp ?? "") < (b.metadata?.creationTimestamp ?? "") ? -1 : 1;
