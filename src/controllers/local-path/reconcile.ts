import { join } from "node:path";
import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/index.ts";
import { provisionedBy, selectedNode, waitsForConsumer } from "../volumes/claim-facts.ts";

/** The provisioner's name in StorageClasses. */
export const provisioner = "wherry.dev/local-path";
const hostnameLabel = "kubernetes.io/hostname";

export type Verdict =
  | { kind: "make"; volume: PersistentVolume; path: string }
  | { kind: "wait"; what: string }
  | { kind: "refuse"; message: string };

/** The volume for a claim: a directory of its own on the node selected for its first pod. */
export function planProvision(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  nodes: readonly Node[],
  dir: string,
): Verdict {
  const chosen = claim.metadata?.annotations?.[selectedNode];
  if (waitsForConsumer(storageClass) && chosen === undefined)
    return { kind: "wait", what: "a pod that uses it" };
  if (claim.spec?.selector) return { kind: "refuse", message: "claim.spec.selector is not supported" };
  if (claim.spec?.volumeMode === "Block")
    return { kind: "refuse", message: "block volumes are not supported" };
  const shared = claim.spec?.accessModes?.find((mode) => mode === "ReadWriteMany" || mode === "ReadOnlyMany");
  if (shared && nodes.length > 1) {
    return { kind: "refuse", message: `${shared} is not supported: a local volume is on one node` };
  }
  const node = chosen === undefined ? nodes[0] : nodes.find((each) => each.metadata?.name === chosen);
  if (!node) return { kind: "wait", what: chosen === undefined ? "a node" : `node ${chosen}` };
  const { namespace = "", name = "", uid = "" } = claim.metadata ?? {};
  const volumeName = `pvc-${uid}`;
  const path = volumePath(dir, volumeName, namespace, name);
  const hostname = node.metadata?.labels?.[hostnameLabel] ?? node.metadata?.name ?? "";
  return {
    kind: "make",
    path,
    volume: {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: volumeName, annotations: { [provisionedBy]: provisioner } },
      spec: {
        capacity: { storage: claim.spec?.resources?.requests?.["storage"] ?? "0" },
        accessModes: claim.spec?.accessModes ?? [],
        volumeMode: "Filesystem",
        storageClassName: storageClass.metadata?.name ?? "",
        persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? "Delete",
        ...(storageClass.mountOptions ? { mountOptions: storageClass.mountOptions } : {}),
        local: { path },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: hostnameLabel, operator: "In", values: [hostname] }] },
            ],
          },
        },
        claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid },
      },
    },
  };
}

const volumePath = (dir: string, volume: string, namespace: string, claim: string): string =>
  join(dir, `${volume}_${namespace}_${claim}`);

/**
 * The directory to remove with a released volume; undefined when it is not one of ours. The path is computed again, since users
 * who may write volumes must not be able to delete other directories.
 */
export function pathToRemove(volume: PersistentVolume, dir: string): string | undefined {
  const { name: claim = "", namespace = "", uid } = volume.spec?.claimRef ?? {};
  const name = volume.metadata?.name ?? "";
  if (volume.metadata?.annotations?.[provisionedBy] !== provisioner || name !== `pvc-${uid}`)
    return undefined;
  if (![name, namespace, claim].every((part) => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(part)))
    return undefined;
  const path = volumePath(dir, name, namespace, claim);
  return volume.spec?.local?.path === path ? path : undefined;
}
