import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Snapshot } from "./snapshot.ts";

/** A change in the cluster that may make a waiting pod schedulable. */
export type ClusterEvent =
  | "NodeAdd"
  | "NodeAllocatable"
  | "NodeLabels"
  | "NodeTaints"
  | "PodAdd"
  | "PodLabels"
  | "PodDelete"
  | "Claim"
  | "Volume"
  | "StorageClass"
  | "Namespace";

/** Why a node (or every node) is rejected. */
export interface Refusal {
  /** Kubernetes' text: users and tools match on it. */
  reasons: readonly string[];
  /** Whether preemption on the node could change it. */
  curable: boolean;
}

export type NodeFilter = (node: NodeInfo) => Refusal | undefined;

/** A filter for nodes. Pure: it depends only on the snapshot. */
export interface FilterPlugin {
  readonly name: string;
  /** A pod rejected by this plugin is retried after one of these. */
  readonly wakesOn: readonly ClusterEvent[];
  /** Computed once per decision. Undefined: the plugin does not apply to this pod. A Refusal: all nodes are rejected. */
  prepare(pod: PodInfo, snapshot: Snapshot): NodeFilter | Refusal | undefined;
}

/** A score for feasible nodes. */
export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  /** 0 to 100 for each node, in order; undefined: no score. */
  score(pod: PodInfo, nodes: readonly NodeInfo[], snapshot: Snapshot): readonly number[] | undefined;
}

export const maxScore = 100;

/** Scales raw scores so that the largest becomes 100; if all are zero they stay. */
export function normalize(raw: readonly number[], reverse = false): number[] {
  const max = Math.max(0, ...raw);
  if (max === 0) return raw.map(() => (reverse ? maxScore : 0));
  return raw.map((value) => {
    const scaled = Math.floor((value * maxScore) / max);
    return reverse ? maxScore - scaled : scaled;
  });
}
