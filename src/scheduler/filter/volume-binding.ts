import type { PersistentVolumeClaim } from "../../api/index.ts";
import { claimNames, fitsVolume, isBound, planClaims, waitsForConsumer } from "../claims.ts";
import type { FilterPlugin, Refusal } from "../plugin.ts";

const never = (reason: string): Refusal => ({ reasons: [reason], curable: false });

/** Claims must exist; bound ones must be accessible from the node, unbound ones must be bindable there. */
export const volumeBinding: FilterPlugin = {
  name: "VolumeBinding",
  wakesOn: ["NodeAdd", "NodeLabels", "Claim", "Volume", "StorageClass"],
  prepare(pod, { storage }) {
    const bound: PersistentVolumeClaim[] = [];
    const delayed: PersistentVolumeClaim[] = [];
    for (const { name, ephemeral } of claimNames(pod.pod)) {
      const claim = storage.claim(pod.namespace, name);
      if (!claim) {
        return never(
          ephemeral
            ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
            : `persistentvolumeclaim "${name}" not found`,
        );
      }
      if (claim.metadata?.deletionTimestamp) {
        return never(`persistentvolumeclaim "${name}" is being deleted`);
      }
      if (claim.status?.phase === "Lost") {
        return never(
          `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ""}"`,
        );
      }
      if (isBound(claim)) bound.push(claim);
      else if (waitsForConsumer(claim, storage) && !claim.spec?.volumeName) delayed.push(claim);
      else return never("pod has unbound immediate PersistentVolumeClaims");
    }
    if (bound.length === 0 && delayed.length === 0) return undefined;
    return (node) => {
      for (const claim of bound) {
        const volume = storage.volume(claim.spec?.volumeName ?? "");
        if (!volume) {
          return never("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)");
        }
        if (!fitsVolume(volume, node.node)) {
          return never("node(s) didn't match PersistentVolume's node affinity");
        }
      }
      return planClaims(delayed, node.node, storage)
        ? undefined
        : never("node(s) didn't find available persistent volumes to bind");
    };
  },
};
