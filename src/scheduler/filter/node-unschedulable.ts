import { tolerates } from "../../api/index.ts";
import type { FilterPlugin } from "../plugin.ts";

/** `kubectl cordon`: spec.unschedulable rejects pods that do not tolerate the equivalent taint. */
export const nodeUnschedulable: FilterPlugin = {
  name: "NodeUnschedulable",
  wakesOn: ["NodeAdd", "NodeTaints"],
  prepare(pod) {
    const taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
    if ((pod.pod.spec?.tolerations ?? []).some((t) => tolerates(t, taint))) return undefined;
    return (node) =>
      node.node.spec?.unschedulable ? { reasons: ["node(s) were unschedulable"], curable: false } : undefined;
  },
};
