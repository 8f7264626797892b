import { claimNames } from "../claims.ts";
import type { FilterPlugin } from "../plugin.ts";

const zoneLabels = [
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
];

/** Zone labels of a bound volume must match the node's; several zones are joined by `__`. */
export const volumeZone: FilterPlugin = {
  name: "VolumeZone",
  wakesOn: ["NodeAdd", "NodeLabels", "Claim", "Volume"],
  prepare(pod, { storage }) {
    const wanted: { key: string; values: string[] }[] = [];
    for (const { name } of claimNames(pod.pod)) {
      const labels = storage.volume(storage.claim(pod.namespace, name)?.spec?.volumeName ?? "")?.metadata
        ?.labels;
      for (const key of zoneLabels) {
        const value = labels?.[key];
        if (value !== undefined) wanted.push({ key, values: value.split("__") });
      }
    }
    if (wanted.length === 0) return undefined;
    return (node) =>
      wanted.every(({ key, values }) => values.includes(node.labels[key] ?? ""))
        ? undefined
        : { reasons: ["node(s) had no available volume zone"], curable: false };
  },
};
