import type { Volume } from "../../api/index.ts";
import { configMapVolume } from "./config-map.ts";
import { downwardApiVolume } from "./downward-api.ts";
import { emptyDirVolume } from "./empty-dir.ts";
import { hostPathVolume } from "./host-path.ts";
import { imageVolume } from "./image.ts";
import { persistentClaimVolume } from "./persistent-claim.ts";
import { projectedVolume } from "./projected.ts";
import { VolumeError } from "./projection.ts";
import { secretVolume } from "./secret.ts";
import type { VolumePlugin } from "./volume.ts";

const plugins: Partial<Record<keyof Volume, VolumePlugin>> = {
  configMap: configMapVolume,
  secret: secretVolume,
  projected: projectedVolume,
  downwardAPI: downwardApiVolume,
  emptyDir: emptyDirVolume,
  hostPath: hostPathVolume,
  persistentVolumeClaim: persistentClaimVolume,
  ephemeral: persistentClaimVolume,
  image: imageVolume,
};

/** The plugin for a volume. A volume without a source is an emptyDir. */
export function pluginFor(volume: Volume): VolumePlugin {
  const sources = Object.keys(volume).filter((k) => k !== "name" && volume[k as keyof Volume] !== undefined);
  const source = sources[0];
  if (source === undefined) return emptyDirVolume;
  const plugin = plugins[source as keyof Volume];
  if (!plugin)
    throw new VolumeError(`no volume plugin matched: ${source} volumes are not supported by this node`);
  return plugin;
}
