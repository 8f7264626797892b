import type { PersistentVolumeClaim, StorageClass } from "../../api/index.ts";
import type { AdmissionPlugin } from "./chain.ts";
import type { PluginContext } from "./context.ts";

const defaultMark = "storageclass.kubernetes.io/is-default-class";
const betaClass = "volume.beta.kubernetes.io/storage-class";

/** Claims that name no class get the default one: the newest, when several say that they are it. */
export function defaultStorageClass({ caches }: PluginContext): AdmissionPlugin {
  return {
    name: "DefaultStorageClass",
    admit({ resource, operation, object }) {
      if (
        operation !== "CREATE" ||
        resource.def.kind !== "PersistentVolumeClaim" ||
        resource.def.group !== ""
      )
        return;
      const claim = object as PersistentVolumeClaim;
      if (!claim.spec || claim.spec.storageClassName !== undefined) return;
      if (claim.metadata?.annotations?.[betaClass] !== undefined) return;
      const [found] = caches
        .list<StorageClass>("storage.k8s.io", "storageclasses")
        .filter((each) => each.metadata?.annotations?.[defaultMark] === "true")
        .sort((a, b) => {
          const newer =
            Date.parse(b.metadata?.creationTimestamp ?? "") - Date.parse(a.metadata?.creationTimestamp ?? "");
          return newer || ((a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1);
        });
      if (found?.metadata?.name) claim.spec.storageClassName = found.metadata.name;
    },
  };
}

const protection: Record<string, string> = {
  PersistentVolumeClaim: "kubernetes.io/pvc-protection",
  PersistentVolume: "kubernetes.io/pv-protection",
};

/** What is in use stays until nobody uses it: the protection controller takes the finalizer off. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  admit({ resource, operation, object }) {
    const finalizer = resource.def.group === "" ? protection[resource.def.kind] : undefined;
    if (operation !== "CREATE" || !finalizer || !object?.metadata) return;
    const { finalizers = [] } = object.metadata;
    if (!finalizers.includes(finalizer)) object.metadata.finalizers = [...finalizers, finalizer];
  },
};
