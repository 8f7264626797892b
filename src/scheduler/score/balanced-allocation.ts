import { maxScore, type ScorePlugin } from "../plugin.ts";

/** Prefers nodes whose cpu and memory utilization would be similar. Only actual requests count. */
export const balancedAllocation: ScorePlugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  score(pod, nodes) {
    // A pod without requests does not change the balance.
    if (pod.requests.size === 0) return undefined;
    return nodes.map((node) => {
      const shares: number[] = [];
      for (const name of ["cpu", "memory"]) {
        const total = node.allocatable.get(name) ?? 0;
        if (total === 0) continue;
        const used = (node.requested.get(name) ?? 0) + (pod.requests.get(name) ?? 0);
        shares.push(Math.min(1, used / total));
      }
      const [a = 0, b = a] = shares;
      // Standard deviation of two values.
      return Math.floor((1 - Math.abs(a - b) / 2) * maxScore);
    });
  },
};
