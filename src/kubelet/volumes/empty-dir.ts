import { chmod, chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { quantityValue } from "../../machinery/index.ts";
import { isMountPoint } from "./mount-table.ts";
import type { VolumePlugin } from "./volume.ts";

/** A directory with the pod's lifetime; on disk, or in memory (tmpfs) limited to sizeLimit. */
export const emptyDirVolume: VolumePlugin = {
  async setUp({ pod, volume, host }) {
    const source = volume.emptyDir ?? {};
    const hostPath = join(host.podDirectory, "kubernetes.io~empty-dir", volume.name);
    await mkdir(hostPath, { recursive: true });
    if (source.medium === "Memory" && !(await isMountPoint(hostPath))) {
      const sizeBytes = source.sizeLimit ? quantityValue(source.sizeLimit) : 0;
      await host.mounts.tmpfs(hostPath, { mode: 0o777, ...(sizeBytes > 0 ? { sizeBytes } : {}) });
    }
    const group = pod.spec?.securityContext?.fsGroup;
    if (group !== undefined) await chown(hostPath, 0, group);
    // Set-group-id makes new files inherit the group. After chown, which would clear it.
    await chmod(hostPath, group === undefined ? 0o777 : 0o2777);
    return { mounted: { name: volume.name, hostPath, readOnly: false } };
  },
};
