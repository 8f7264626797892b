/** Defaults of volume sources, in pods and PersistentVolumes. */
import type { PersistentVolumeSpec, Volume } from "../generated/types.ts";

export type Sources = Pick<
  Volume & PersistentVolumeSpec,
  "hostPath" | "rbd" | "iscsi" | "azureDisk" | "scaleIO"
>;

export function defaultSource({ hostPath, rbd, iscsi, azureDisk, scaleIO }: Sources): void {
  if (hostPath) hostPath.type ??= "";
  if (rbd) {
    rbd.pool ||= "rbd";
    rbd.user ||= "admin";
    rbd.keyring ||= "/etc/ceph/keyring";
  }
  if (iscsi) iscsi.iscsiInterface ||= "default";
  if (azureDisk) {
    azureDisk.cachingMode ??= "ReadWrite";
    azureDisk.fsType ??= "ext4";
    azureDisk.readOnly ??= false;
    azureDisk.kind ??= "Shared";
  }
  if (scaleIO) {
    scaleIO.storageMode ||= "ThinProvisioned";
    scaleIO.fsType ||= "xfs";
  }
}
