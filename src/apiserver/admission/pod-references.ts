import type { Pod, Volume } from "../../api/index.ts";
import { referencedConfigMaps, referencedSecrets } from "./pod-secrets.ts";

/** The first API object that a pod refers to; mirror pods must not refer to any. */
export function apiReferenceOf(pod: Pod): string | undefined {
  const { serviceAccountName, resourceClaims, volumes = [] } = pod.spec ?? {};
  if (serviceAccountName) return "serviceaccounts";
  if (referencedSecrets(pod).length > 0) return "secrets";
  if (referencedConfigMaps(pod).length > 0) return "configmaps";
  if (resourceClaims && resourceClaims.length > 0) return "resourceclaims";
  for (const volume of volumes) {
    const found = referenceOf(volume);
    if (found) return found;
  }
  return undefined;
}

function referenceOf(volume: Volume): string | undefined {
  if (volume.configMap) return "configmaps (via configmap volumes)";
  if (volume.secret) return "secrets (via secret volumes)";
  if (volume.csi) return "csidrivers (via CSI volumes)";
  if (volume.glusterfs) return "endpoints (via glusterFS volumes)";
  if (volume.persistentVolumeClaim) return "persistentvolumeclaims";
  if (volume.ephemeral) return "persistentvolumeclaims (via ephemeral volumes)";
  if (volume.azureFile) return "secrets (via azureFile volumes)";
  for (const source of volume.projected?.sources ?? []) {
    if (source.configMap) return "configmaps (via projected volumes)";
    if (source.secret) return "secrets (via projected volumes)";
    if (source.serviceAccountToken) return "serviceaccounts (via projected volumes)";
    if (source.clusterTrustBundle) return "clustertrustbundles";
    if (source.podCertificate) return "podcertificates";
  }
  return undefined;
}
