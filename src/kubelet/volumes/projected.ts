import { join } from "node:path";
import type { Pod, VolumeProjection } from "../../api/index.ts";
import { podName, podNamespace, podUid } from "../pods/pod-key.ts";
import { writeAtomically } from "./atomic-writer.ts";
import { configMapFiles, downwardFiles, type Files, secretFiles, VolumeError } from "./projection.ts";
import type { VolumeHost, VolumePlugin } from "./volume.ts";

/** Several sources in one directory, as in every pod's ServiceAccount volume. */
export const projectedVolume: VolumePlugin = {
  async setUp({ pod, volume, host }) {
    const source = volume.projected ?? {};
    const mode = source.defaultMode ?? 0o644;
    const parts = await Promise.all((source.sources ?? []).map((s) => project(pod, s, mode, host)));
    const files: Files = new Map();
    let refreshAt: number | undefined;
    for (const part of parts) {
      for (const [path, file] of part.files) files.set(path, file);
      if (part.refreshAt !== undefined) refreshAt = Math.min(refreshAt ?? part.refreshAt, part.refreshAt);
    }
    const hostPath = join(host.memoryDirectory, "kubernetes.io~projected", volume.name);
    writeAtomically(hostPath, files, host.now(), pod.spec?.securityContext?.fsGroup);
    return {
      mounted: { name: volume.name, hostPath, readOnly: true },
      ...(refreshAt === undefined ? {} : { refreshAt }),
    };
  },
};

async function project(
  pod: Pod,
  source: VolumeProjection,
  mode: number,
  host: VolumeHost,
): Promise<{ files: Files; refreshAt?: number }> {
  const namespace = podNamespace(pod);
  if (source.configMap) {
    const { name = "", items, optional = false } = source.configMap;
    const map = await host.objects.configMap(namespace, name);
    if (!map && !optional) throw new VolumeError(`configmap "${name}" not found`);
    return { files: configMapFiles(map, items, mode, optional) };
  }
  if (source.secret) {
    const { name = "", items, optional = false } = source.secret;
    const secret = await host.objects.secret(namespace, name);
    if (!secret && !optional) throw new VolumeError(`secret "${name}" not found`);
    return { files: secretFiles(secret, items, mode, optional) };
  }
  if (source.downwardAPI)
    return { files: downwardFiles(source.downwardAPI.items ?? [], host.downward, mode) };
  if (source.serviceAccountToken) {
    const { audience = "", expirationSeconds = 3600, path } = source.serviceAccountToken;
    const { token, expiresAt } = await host.token({
      namespace,
      serviceAccount: pod.spec?.serviceAccountName || "default",
      audience,
      expirationSeconds,
      pod: { name: podName(pod), uid: podUid(pod) },
    });
    const owner = soleUser(pod);
    const file = {
      content: Buffer.from(token, "utf8"),
      // Readable only by the user that the pod runs as; without one, by all (as the field specifies).
      mode: pod.spec?.securityContext?.fsGroup !== undefined || owner !== undefined ? 0o600 : mode,
      ...(owner === undefined ? {} : { uid: owner }),
    };
    return { files: new Map([[path, file]]), refreshAt: refreshTime(host.now(), expiresAt) };
  }
  throw new VolumeError(`projected volume source ${Object.keys(source).join(", ")} is not supported`);
}

/** After 80 % of the lifetime, at most a day. */
function refreshTime(now: number, expiresAt: number): number {
  return Math.min(now + (expiresAt - now) * 0.8, now + 24 * 3600_000);
}

/** The common user of all containers, if set. */
function soleUser(pod: Pod): number | undefined {
  const outer = pod.spec?.securityContext?.runAsUser;
  const users = new Set(
    [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(
      (c) => c.securityContext?.runAsUser ?? outer,
    ),
  );
  return users.size === 1 ? [...users][0] : undefined;
}
