import { join } from "node:path";
import { podNamespace } from "../pods/pod-key.ts";
import { writeAtomically } from "./atomic-writer.ts";
import { secretFiles, VolumeError } from "./projection.ts";
import type { VolumePlugin } from "./volume.ts";

export const secretVolume: VolumePlugin = {
  async setUp({ pod, volume, host }) {
    const source = volume.secret ?? {};
    const name = source.secretName ?? "";
    const secret = await host.objects.secret(podNamespace(pod), name);
    if (!secret && !source.optional) throw new VolumeError(`secret "${name}" not found`);
    const hostPath = join(host.memoryDirectory, "kubernetes.io~secret", volume.name);
    const files = secretFiles(secret, source.items, source.defaultMode ?? 0o644, source.optional ?? false);
    writeAtomically(hostPath, files, host.now(), pod.spec?.securityContext?.fsGroup);
    return { mounted: { name: volume.name, hostPath, readOnly: true } };
  },
};
