import { maxScore, type ScorePlugin } from "../plugin.ts";

/** Prefers nodes with the largest free share of cpu and memory, averaged. */
export const leastAllocated: ScorePlugin = {
  name: "NodeResourcesFit",
  weight: 1,
  score: (pod, nodes) =>
    nodes.map((node) => {
      let sum = 0;
      let counted = 0;
      for (const name of ["cpu", "memory"]) {
        const total = node.allocatable.get(name) ?? 0;
        if (total === 0) continue;
        const used = (node.scoringRequested.get(name) ?? 0) + (pod.scoringRequests.get(name) ?? 0);
        sum += used > total ? 0 : Math.floor(((total - used) * maxScore) / total);
        counted++;
      }
      return counted === 0 ? 0 : Math.floor(sum / counted);
    }),
};
