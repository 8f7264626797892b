import {
  type LabelSelector,
  matchesNodeSelector,
  tolerates,
  type TopologySpreadConstraint,
} from "../api/index.ts";
import { selectorFromObject } from "../machinery/index.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";

/** A parsed topologySpreadConstraint. */
export interface SpreadRule {
  maxSkew: number;
  topologyKey: string;
  minDomains: number;
  matches(labels: Readonly<Record<string, string>>): boolean;
  /** Whether the node counts (nodeAffinityPolicy, nodeTaintsPolicy). */
  counts(node: NodeInfo): boolean;
}

export function spreadRule(constraint: TopologySpreadConstraint, pod: PodInfo): SpreadRule {
  const selector = constraint.labelSelector
    ? selectorFromObject(withPodLabels(constraint.labelSelector, constraint.matchLabelKeys ?? [], pod))
    : undefined;
  const spec = pod.pod.spec;
  const honorAffinity = (constraint.nodeAffinityPolicy ?? "Honor") === "Honor";
  const honorTaints = constraint.nodeTaintsPolicy === "Honor";
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const nodeLabels = Object.entries(spec?.nodeSelector ?? {});
  return {
    maxSkew: constraint.maxSkew,
    topologyKey: constraint.topologyKey,
    minDomains: constraint.minDomains ?? 1,
    matches: (labels) => selector?.matches(labels) ?? false,
    counts(node) {
      if (honorAffinity) {
        if (!nodeLabels.every(([key, value]) => node.labels[key] === value)) return false;
        if (required && !matchesNodeSelector(required, node.node.metadata ?? {})) return false;
      }
      if (!honorTaints) return true;
      return (node.node.spec?.taints ?? []).every(
        (taint) =>
          taint.effect === "PreferNoSchedule" || (spec?.tolerations ?? []).some((t) => tolerates(t, taint)),
      );
    },
  };
}

function withPodLabels(selector: LabelSelector, keys: readonly string[], pod: PodInfo): LabelSelector {
  const extra = keys
    .filter((key) => pod.labels[key] !== undefined)
    .map((key) => ({ key, operator: "In", values: [pod.labels[key] ?? ""] }));
  if (extra.length === 0) return selector;
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...extra] };
}

/** The node's pods in the same namespace that match the constraint, without terminating ones. */
export function countMatching(rule: SpreadRule, node: NodeInfo, namespace: string): number {
  let count = 0;
  for (const pod of node.pods.values()) {
    if (pod.namespace === namespace && !pod.pod.metadata?.deletionTimestamp && rule.matches(pod.labels))
      count++;
  }
  return count;
}
