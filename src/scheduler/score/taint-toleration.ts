import { tolerates } from "../../api/index.ts";
import { normalize, type ScorePlugin } from "../plugin.ts";

/** Prefers nodes with fewer PreferNoSchedule taints that the pod does not tolerate. */
export const taintTolerationScore: ScorePlugin = {
  name: "TaintToleration",
  weight: 3,
  score(pod, nodes) {
    const tolerations = (pod.pod.spec?.tolerations ?? []).filter(
      (t) => !t.effect || t.effect === "PreferNoSchedule",
    );
    const raw = nodes.map(
      (node) =>
        (node.node.spec?.taints ?? []).filter(
          (taint) => taint.effect === "PreferNoSchedule" && !tolerations.some((t) => tolerates(t, taint)),
        ).length,
    );
    return normalize(raw, true);
  },
};
