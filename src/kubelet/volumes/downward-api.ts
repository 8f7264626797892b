import { join } from "node:path";
import { writeAtomically } from "./atomic-writer.ts";
import { downwardFiles } from "./projection.ts";
import type { VolumePlugin } from "./volume.ts";

export const downwardApiVolume: VolumePlugin = {
  async setUp({ pod, volume, host }) {
    const source = volume.downwardAPI ?? {};
    const hostPath = join(host.memoryDirectory, "kubernetes.io~downward-api", volume.name);
    const files = downwardFiles(source.items ?? [], host.downward, source.defaultMode ?? 0o644);
    writeAtomically(hostPath, files, host.now(), pod.spec?.securityContext?.fsGroup);
    return { mounted: { name: volume.name, hostPath, readOnly: true } };
  },
};
