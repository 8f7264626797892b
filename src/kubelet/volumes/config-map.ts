import { join } from "node:path";
import { podNamespace } from "../pods/pod-key.ts";
import { writeAtomically } from "./atomic-writer.ts";
import { configMapFiles, VolumeError } from "./projection.ts";
import type { VolumePlugin } from "./volume.ts";

export const configMapVolume: VolumePlugin = {
  async setUp({ pod, volume, host }) {
    const source = volume.configMap ?? {};
    const name = source.name ?? "";
    const map = await host.objects.configMap(podNamespace(pod), name);
    if (!map && !source.optional) throw new VolumeError(`configmap "${name}" not found`);
    const hostPath = join(host.memoryDirectory, "kubernetes.io~configmap", volume.name);
    const files = configMapFiles(map, source.items, source.defaultMode ?? 0o644, source.optional ?? false);
    writeAtomically(hostPath, files, host.now(), pod.spec?.securityContext?.fsGroup);
    return { mounted: { name: volume.name, hostPath, readOnly: true } };
  },
};
