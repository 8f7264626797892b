import type { PodDisruptionBudget } from "../api/index.ts";
import { selectorFromObject } from "../machinery/index.ts";
import { type Diagnosis, fits } from "./decide.ts";
import { preemptionMessage } from "./failure-message.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Snapshot } from "./snapshot.ts";

/** The victims and their node, or the reasons why preemption does not help. */
export type PreemptionPlan =
  | { kind: "evict"; node: string; victims: PodInfo[] }
  | { kind: "wait" }
  /** `room`: the nominated node has room now, and the nomination stays. */
  | { kind: "none"; message: string; room?: boolean };

interface Candidate {
  node: string;
  victims: PodInfo[];
  /** Number of victims whose eviction would violate a disruption budget. */
  violations: number;
}

/**
 * Makes room for a pod by evicting pods of lower priority, as few and as unimportant as possible. `nominated`: the node
 * nominated before; its status may show it later. The cluster may have changed since the diagnosis.
 */
export function planPreemption(
  pod: PodInfo,
  snapshot: Snapshot,
  diagnosis: Diagnosis,
  budgets: readonly PodDisruptionBudget[],
  nominated = pod.pod.status?.nominatedNodeName,
): PreemptionPlan {
  if (pod.pod.spec?.preemptionPolicy === "Never") {
    return { kind: "none", message: "preemption: not eligible due to preemptionPolicy=Never." };
  }
  const promised = snapshot.nodes.get(nominated ?? "");
  if (promised && isLeft(promised, pod)) return { kind: "wait" };
  if (diagnosis.nodes === 0) return { kind: "none", message: "" };
  const candidates: Candidate[] = [];
  const reasons: string[] = [];
  for (const node of snapshot.nodes.values()) {
    const refusal = diagnosis.overall ?? diagnosis.perNode.get(node.name);
    if (!refusal?.curable) {
      reasons.push("Preemption is not helpful for scheduling");
      continue;
    }
    const outcome = victimsOn(node, pod, snapshot, budgets);
    if (typeof outcome === "string") reasons.push(outcome);
    else candidates.push(outcome);
  }
  const chosen = candidates.reduce<Candidate | undefined>(
    (best, next) => (best && compare(best, next) <= 0 ? best : next),
    undefined,
  );
  if (!chosen) {
    const room = promised !== undefined && !fits(pod, promised, snapshot);
    return { kind: "none", message: preemptionMessage(diagnosis.nodes, reasons), room };
  }
  return { kind: "evict", node: chosen.node, victims: chosen.victims };
}

/** Victims of an earlier preemption are still terminating, so no more are evicted. */
function isLeft(node: NodeInfo, pod: PodInfo): boolean {
  for (const other of node.pods.values()) {
    if (other.priority < pod.priority && other.pod.metadata?.deletionTimestamp && preempted(other))
      return true;
  }
  return false;
}

function preempted(pod: PodInfo): boolean {
  return (pod.pod.status?.conditions ?? []).some(
    (c) => c.type === "DisruptionTarget" && c.status === "True" && c.reason === "PreemptionByScheduler",
  );
}

function victimsOn(
  node: NodeInfo,
  pod: PodInfo,
  snapshot: Snapshot,
  budgets: readonly PodDisruptionBudget[],
): Candidate | string {
  const lower = [...node.pods.values()].filter((other) => other.priority < pod.priority);
  if (lower.length === 0) return "No preemption victims found for incoming pod";
  const trial = node.clone();
  for (const other of lower) trial.remove(other.uid);
  const refusal = fits(pod, trial, snapshot);
  if (refusal) return refusal.reasons[0] ?? "";

  // All candidates are removed; then as many as possible are reprieved, those that would violate budgets first, by importance.
  lower.sort(byImportance);
  const isProtected = protectedBy(budgets, lower);
  const victims: PodInfo[] = [];
  let violations = 0;
  for (const guarded of [true, false]) {
    for (const other of lower) {
      if (isProtected.has(other.uid) !== guarded) continue;
      trial.add(other);
      if (!fits(pod, trial, snapshot)) continue;
      trial.remove(other.uid);
      victims.push(other);
      if (guarded) violations++;
    }
  }
  if (victims.length === 0) return "No preemption victims found for incoming pod";
  victims.sort(byImportance);
  return { node: node.name, victims, violations };
}

/** Pods whose eviction would violate a budget, in order of importance. */
function protectedBy(budgets: readonly PodDisruptionBudget[], pods: readonly PodInfo[]): Set<string> {
  const left = budgets.map((budget) => budget.status?.disruptionsAllowed ?? 0);
  const selectors = budgets.map((b) => (b.spec?.selector ? selectorFromObject(b.spec.selector) : undefined));
  const out = new Set<string>();
  for (const pod of pods) {
    if (Object.keys(pod.labels).length === 0) continue;
    budgets.forEach((budget, i) => {
      const selector = selectors[i];
      if (budget.metadata?.namespace !== pod.namespace || !selector || selector.empty) return;
      if (!selector.matches(pod.labels) || budget.status?.disruptedPods?.[pod.pod.metadata?.name ?? ""])
        return;
      const remaining = (left[i] ?? 0) - 1;
      left[i] = remaining;
      if (remaining < 0) out.add(pod.uid);
    });
  }
  return out;
}

/** More important first: by higher priority, then by earlier start. */
function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startOf(a) - startOf(b);
}

function startOf(pod: PodInfo): number {
  const at = pod.pod.status?.startTime ?? pod.pod.metadata?.creationTimestamp;
  return at ? Date.parse(at) : Number.MAX_SAFE_INTEGER;
}

/** Negative when `a` is better, by Kubernetes' order of criteria. */
function compare(a: Candidate, b: Candidate): number {
  const highest = (c: Candidate): number => c.victims[0]?.priority ?? 0;
  const sum = (c: Candidate): number => c.victims.reduce((total, v) => total + v.priority + 2 ** 31, 0);
  const earliest = (c: Candidate): number =>
    Math.min(...c.victims.filter((v) => v.priority === highest(c)).map(startOf));
  return (
    a.violations - b.violations ||
    highest(a) - highest(b) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    earliest(b) - earliest(a)
  );
}
