import { claimNames } from "../claims.ts";
import type { FilterPlugin } from "../plugin.ts";

/** A claim with access mode ReadWriteOncePod can be used by one pod in the cluster (KEP-2485). */
export const volumeRestrictions: FilterPlugin = {
  name: "VolumeRestrictions",
  wakesOn: ["PodDelete", "Claim"],
  prepare(pod, snapshot) {
    const exclusive = new Set<string>();
    for (const { name } of claimNames(pod.pod)) {
      const modes = snapshot.storage.claim(pod.namespace, name)?.spec?.accessModes ?? [];
      if (modes.includes("ReadWriteOncePod")) exclusive.add(name);
    }
    if (exclusive.size === 0) return undefined;
    return (node) => {
      for (const other of node.pods.values()) {
        if (other.namespace !== pod.namespace) continue;
        if (!claimNames(other.pod).some(({ name }) => exclusive.has(name))) continue;
        return {
          reasons: [
            "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
          ],
          curable: true,
        };
      }
      return undefined;
    };
  },
};
