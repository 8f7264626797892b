import type { ScorePlugin } from "../plugin.ts";
import { balancedAllocation } from "./balanced-allocation.ts";
import { imageLocality } from "./image-locality.ts";
import { interPodAffinityScore } from "./inter-pod-affinity.ts";
import { leastAllocated } from "./least-allocated.ts";
import { nodeAffinityScore } from "./node-affinity.ts";
import { podTopologySpreadScore } from "./pod-topology-spread.ts";
import { taintTolerationScore } from "./taint-toleration.ts";

/** With the weights of Kubernetes' default profile. */
export const scorePlugins: readonly ScorePlugin[] = [
  taintTolerationScore,
  nodeAffinityScore,
  podTopologySpreadScore,
  interPodAffinityScore,
  leastAllocated,
  balancedAllocation,
  imageLocality,
];
