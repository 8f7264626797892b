import { tolerates } from "../../api/index.ts";
import type { FilterPlugin } from "../plugin.ts";

/** Taints NoSchedule and NoExecute reject pods that do not tolerate them. */
export const taintToleration: FilterPlugin = {
  name: "TaintToleration",
  wakesOn: ["NodeAdd", "NodeTaints"],
  prepare(pod) {
    const tolerations = pod.pod.spec?.tolerations ?? [];
    return (node) => {
      const refused = (node.node.spec?.taints ?? []).some(
        (taint) => taint.effect !== "PreferNoSchedule" && !tolerations.some((t) => tolerates(t, taint)),
      );
      return refused ? { reasons: ["node(s) had untolerated taint(s)"], curable: false } : undefined;
    };
  },
};
