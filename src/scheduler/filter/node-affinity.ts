import { matchesNodeSelector } from "../../api/index.ts";
import type { FilterPlugin } from "../plugin.ts";

/** nodeSelector and required node affinity; both must match. */
export const nodeAffinity: FilterPlugin = {
  name: "NodeAffinity",
  wakesOn: ["NodeAdd", "NodeLabels"],
  prepare(pod) {
    const labels = Object.entries(pod.pod.spec?.nodeSelector ?? {});
    const required = pod.pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (labels.length === 0 && !required) return undefined;
    return (node) => {
      const fits =
        labels.every(([key, value]) => node.labels[key] === value) &&
        (!required || matchesNodeSelector(required, node.node.metadata ?? {}));
      return fits
        ? undefined
        : { reasons: ["node(s) didn't match Pod's node affinity/selector"], curable: false };
    };
  },
};
