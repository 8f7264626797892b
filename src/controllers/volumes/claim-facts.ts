import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/index.ts";
import { quantityValue, selectorFromObject } from "../../machinery/index.ts";

export const bindCompleted = "pv.kubernetes.io/bind-completed";
export const boundByController = "pv.kubernetes.io/bound-by-controller";
export const provisionedBy = "pv.kubernetes.io/provisioned-by";
export const selectedNode = "volume.kubernetes.io/selected-node";
export const storageProvisioner = "volume.kubernetes.io/storage-provisioner";
const betaClass = "volume.beta.kubernetes.io/storage-class";

/** The claim's class; the legacy annotation has priority. */
export const classOf = (object: PersistentVolumeClaim | PersistentVolume): string =>
  object.metadata?.annotations?.[betaClass] ?? object.spec?.storageClassName ?? "";

export const claimKey = (claim: PersistentVolumeClaim): string =>
  `${claim.metadata?.namespace}/${claim.metadata?.name}`;

export const waitsForConsumer = (storageClass: StorageClass | undefined): boolean =>
  storageClass?.volumeBindingMode === "WaitForFirstConsumer";

export const requestedBytes = (claim: PersistentVolumeClaim): number =>
  quantityValue(claim.spec?.resources?.requests?.["storage"] ?? "0");

const capacityBytes = (volume: PersistentVolume): number =>
  quantityValue(volume.spec?.capacity?.["storage"] ?? "0");

/** The volume's reference is to this claim; if it has a UID, that must match. */
export function isPromisedTo(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const reference = volume.spec?.claimRef;
  if (!reference) return false;
  if (reference.name !== claim.metadata?.name || reference.namespace !== claim.metadata?.namespace)
    return false;
  return !reference.uid || reference.uid === claim.metadata?.uid;
}

/** Why claim and volume, which reference each other, do not match; undefined when they do. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (capacityBytes(volume) < requestedBytes(claim)) return "requested PV is too small";
  if (classOf(volume) !== classOf(claim)) return "storageClassName does not match";
  if ((volume.spec?.volumeMode ?? "Filesystem") !== (claim.spec?.volumeMode ?? "Filesystem")) {
    return "incompatible volumeMode";
  }
  const modes = claim.spec?.accessModes ?? [];
  if (!modes.every((mode) => volume.spec?.accessModes?.includes(mode))) return "incompatible accessMode";
  return undefined;
}

/** The volume to bind: one reserved for the claim, else the smallest that matches. */
export function findVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  onlyPromised: boolean,
): PersistentVolume | undefined {
  const selector = claim.spec?.selector ? selectorFromObject(claim.spec.selector) : undefined;
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (volume.metadata?.deletionTimestamp || mismatch(volume, claim)) continue;
    if (isPromisedTo(volume, claim)) return volume;
    if (onlyPromised || volume.spec?.claimRef || volume.status?.phase !== "Available") continue;
    if (selector && !selector.matches(volume.metadata?.labels)) continue;
    const smaller = !best || capacityBytes(volume) < capacityBytes(best);
    const first = best && (volume.metadata?.name ?? "") < (best.metadata?.name ?? "");
    if (smaller || (best && first && capacityBytes(volume) === capacityBytes(best))) best = volume;
  }
  return best;
}
