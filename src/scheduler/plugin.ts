import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Snapshot } from "./snapshot.ts";

/** What can happen in a cluster that may let a waiting pod fit. */
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

/** Why a node (or every node) will not do. */
export interface Refusal {
  /** Kubernetes' own words: users and tools match on them. */
  reasons: readonly string[];
  /** Whether evicting pods from the node could change it. */
  curable: boolean;
}

export type NodeFilter = (node: NodeInfo) => Refusal | undefined;

/** One rule of which nodes will do. Pure: all it knows is in the snapshot. */
export interface FilterPlugin {
  readonly name: string;
  /** A pod that this plugin refused is tried again after one of these. */
  readonly wakesOn: readonly ClusterEvent[];
  /** Work done once per decision. Undefined: the plugin has nothing to say about this pod. A Refusal: no node will do. */
  prepare(pod: PodInfo, snapshot: Snapshot): NodeFilter | Refusal | undefined;
}

/** One opinion on how good the nodes that will do are. */
export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  /** 0 to 100 for each node, in the order given; undefined: no opinion. */
  score(pod: PodInfo, nodes: readonly NodeInfo[], snapshot: Snapshot): readonly number[] | undefined;
}

export const maxScore = 100;

/** Stretches raw figures so that the largest becomes 100; all zero stays zero. */
export function normalize(raw: readonly number[], reverse = false): number[] {
  const max = Math.max(0, ...raw);
  if (max === 0) return raw.map(() => (reverse ? maxScore : 0));
  return raw.map((value) => {
    const scaled = Math.floor((value * maxScore) / max);
    return reverse ? maxScore - scaled : scaled;
  });
}
