import type { PersistentVolumeClaim, StorageClass } from "../../api/index.ts";
import { compareQuantity } from "../../machinery/index.ts";
import { forbidden } from "../errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { newestMarked } from "./default-class.ts";

const defaultMark = "storageclass.kubernetes.io/is-default-class";
const betaClass = "volume.beta.kubernetes.io/storage-class";

const isClaim = ({ resource, subresource }: AdmissionRequest): boolean =>
  resource.def.kind === "PersistentVolumeClaim" && resource.def.group === "" && subresource === "";

/** DefaultStorageClass: sets the default class on claims without one. */
export function defaultStorageClass({ caches }: PluginContext): AdmissionPlugin {
  return {
    name: "DefaultStorageClass",
    admit(request) {
      if (request.operation !== "CREATE" || !isClaim(request)) return;
      const claim = request.object as PersistentVolumeClaim;
      if (!claim.spec || claim.spec.storageClassName !== undefined) return;
      if (claim.metadata?.annotations?.[betaClass] !== undefined) return;
      const found = newestMarked(caches.list<StorageClass>("storage.k8s.io", "storageclasses"), defaultMark);
      if (found) claim.spec.storageClassName = found;
    },
  };
}

const protection: Record<string, string> = {
  persistentvolumeclaims: "kubernetes.io/pvc-protection",
  persistentvolumes: "kubernetes.io/pv-protection",
  "volumeattributesclasses.storage.k8s.io": "kubernetes.io/vac-protection",
};

/**
 * StorageObjectInUseProtection: adds the finalizer that the protection controllers remove when the object is not used any more.
 */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  admit({ resource, operation, object, subresource }) {
    const { group, plural } = resource.def;
    const finalizer = protection[group === "" ? plural : `${plural}.${group}`];
    if (operation !== "CREATE" || subresource !== "" || !finalizer || !object?.metadata) return;
    const { finalizers = [] } = object.metadata;
    if (!finalizers.includes(finalizer)) object.metadata.finalizers = [...finalizers, finalizer];
  },
};

const classOf = (claim: PersistentVolumeClaim): string =>
  claim.metadata?.annotations?.[betaClass] ?? claim.spec?.storageClassName ?? "";

/** PersistentVolumeClaimResize: only bound claims may grow, and only if their class allows expansion. */
export function persistentVolumeClaimResize({ caches }: PluginContext): AdmissionPlugin {
  const grows = (name: string): boolean =>
    caches.get<StorageClass>("storage.k8s.io", "storageclasses", undefined, name)?.allowVolumeExpansion ??
    false;
  return {
    name: "PersistentVolumeClaimResize",
    validate(request) {
      if (request.operation !== "UPDATE" || !isClaim(request)) return;
      const [claim, old] = [request.object, request.oldObject] as [
        PersistentVolumeClaim,
        PersistentVolumeClaim,
      ];
      const size = (each: PersistentVolumeClaim): string => each.spec?.resources?.requests?.storage ?? "0";
      if (compareQuantity(size(claim), size(old)) <= 0) return;
      const refuse = (why: string): Error => forbidden(request.resource.def, request.name, why);
      if (old.status?.phase !== "Bound") {
        throw refuse("Only bound persistent volume claims can be expanded");
      }
      const name = classOf(claim);
      if (name === "" || name !== classOf(old) || !grows(name)) {
        throw refuse(
          "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
        );
      }
    },
  };
}
