import { matchesNodeSelectorTerm } from "../../api/index.ts";
import { normalize, type ScorePlugin } from "../plugin.ts";

/** Sum of the weights of the preferred node affinity terms that match. */
export const nodeAffinityScore: ScorePlugin = {
  name: "NodeAffinity",
  weight: 2,
  score(pod, nodes) {
    const preferred = pod.pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
    if (!preferred || preferred.length === 0) return undefined;
    const raw = nodes.map((node) =>
      preferred.reduce(
        (sum, { weight, preference }) =>
          sum + (matchesNodeSelectorTerm(preference, node.node.metadata ?? {}) ? weight : 0),
        0,
      ),
    );
    return normalize(raw);
  },
};
