import { stat } from "node:fs/promises";
import { podName, podNamespace } from "../pods/pod-key.ts";
import { checkHostPath } from "./host-path.ts";
import { setGroupOwnership } from "./ownership.ts";
import { VolumeError } from "./projection.ts";
import type { VolumePlugin } from "./volume.ts";

/** A claim's bound volume, of a type local to this node: local or hostPath. */
export const persistentClaimVolume: VolumePlugin = {
  async setUp({ pod, volume, host }) {
    const namespace = podNamespace(pod);
    const claimName =
      volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${podName(pod)}-${volume.name}` : "");
    const claim = await host.claim(namespace, claimName);
    if (!claim) throw new VolumeError(`error getting PVC ${namespace}/${claimName}: not found`);
    if (claim.metadata?.deletionTimestamp) {
      throw new VolumeError(`error processing PVC ${namespace}/${claimName}: PVC is being deleted`);
    }
    const volumeName = claim.spec?.volumeName;
    if (claim.status?.phase !== "Bound" || !volumeName) {
      throw new VolumeError(`error processing PVC ${namespace}/${claimName}: PVC is not bound`);
    }
    const bound = await host.persistentVolume(volumeName);
    const ref = bound?.spec?.claimRef;
    if (!bound || ref?.uid !== claim.metadata?.uid) {
      throw new VolumeError(
        `error processing PVC ${namespace}/${claimName}: PV ${volumeName} is not bound to it`,
      );
    }
    const local = bound.spec?.local;
    const onHost = bound.spec?.hostPath;
    const hostPath = local?.path ?? onHost?.path;
    if (!hostPath)
      throw new VolumeError(`persistent volume ${volumeName} is of a kind this node cannot mount`);
    if (onHost) await checkHostPath(onHost.path, onHost.type ?? "");
    else if (!(await stat(hostPath).catch(() => undefined))) {
      throw new VolumeError(`path "${hostPath}" does not exist`);
    }
    const group = pod.spec?.securityContext?.fsGroup;
    const readOnly = volume.persistentVolumeClaim?.readOnly === true;
    // fsGroup does not apply to hostPath volumes (as documented).
    if (local && group !== undefined && !readOnly) {
      await setGroupOwnership(hostPath, group, pod.spec?.securityContext?.fsGroupChangePolicy);
    }
    return { mounted: { name: volume.name, hostPath, readOnly } };
  },
};
