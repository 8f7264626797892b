import {
  matchesNodeSelector,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from "../api/index.ts";
import { quantityValue, selectorFromObject } from "../machinery/index.ts";
import type { StorageView } from "./snapshot.ts";

/** Changes to a pod's claims before it can be bound to a node. */
export interface ClaimPlan {
  /** Existing volumes to bind to claims. */
  give: { claim: PersistentVolumeClaim; volume: PersistentVolume }[];
  /** Claims to provision for the chosen node. */
  provision: PersistentVolumeClaim[];
}

/** Names of a pod's claims; those of generic ephemeral volumes are `<pod>-<volume>`. */
export function claimNames(pod: Pod): { name: string; ephemeral: boolean }[] {
  const out: { name: string; ephemeral: boolean }[] = [];
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.persistentVolumeClaim) {
      out.push({ name: volume.persistentVolumeClaim.claimName, ephemeral: false });
    } else if (volume.ephemeral) {
      out.push({ name: `${pod.metadata?.name ?? ""}-${volume.name}`, ephemeral: true });
    }
  }
  return out;
}

/** Only when its status agrees: the kubelet does not mount it before. */
export function isBound(claim: PersistentVolumeClaim): boolean {
  return Boolean(claim.spec?.volumeName) && claim.status?.phase === "Bound";
}

/** The claim's class; the legacy annotation has priority. */
export function classOf(claim: PersistentVolumeClaim): string {
  return (
    claim.metadata?.annotations?.["volume.beta.kubernetes.io/storage-class"] ??
    claim.spec?.storageClassName ??
    ""
  );
}

export function waitsForConsumer(claim: PersistentVolumeClaim, storage: StorageView): boolean {
  return storage.storageClass(classOf(claim))?.volumeBindingMode === "WaitForFirstConsumer";
}

export function fitsVolume(volume: PersistentVolume, node: Node): boolean {
  const required = volume.spec?.nodeAffinity?.required;
  return !required || matchesNodeSelector(required, node.metadata ?? {});
}

/** How to satisfy the unbound claims on this node; undefined: impossible. */
export function planClaims(
  claims: readonly PersistentVolumeClaim[],
  node: Node,
  storage: StorageView,
): ClaimPlan | undefined {
  const plan: ClaimPlan = { give: [], provision: [] };
  const taken = new Set<string>();
  // Small claims first, to leave large volumes for large claims.
  for (const claim of [...claims].sort((a, b) => requestedBytes(a) - requestedBytes(b))) {
    const volume = smallestFitting(claim, node, storage, taken);
    if (volume) {
      taken.add(volume.metadata?.name ?? "");
      plan.give.push({ claim, volume });
      continue;
    }
    const storageClass = storage.storageClass(classOf(claim));
    if (!storageClass || storageClass.provisioner === "kubernetes.io/no-provisioner") return undefined;
    if (!allowsNode(storageClass.allowedTopologies, node)) return undefined;
    plan.provision.push(claim);
  }
  return plan;
}

function allowsNode(
  topologies: { matchLabelExpressions?: { key: string; values: string[] }[] }[] | undefined,
  node: Node,
): boolean {
  if (!topologies || topologies.length === 0) return true;
  const labels = node.metadata?.labels ?? {};
  return topologies.some((t) =>
    (t.matchLabelExpressions ?? []).every((e) => e.values.includes(labels[e.key] ?? "")),
  );
}

function smallestFitting(
  claim: PersistentVolumeClaim,
  node: Node,
  storage: StorageView,
  taken: ReadonlySet<string>,
): PersistentVolume | undefined {
  const wanted = requestedBytes(claim);
  const modes = claim.spec?.accessModes ?? [];
  const selector = claim.spec?.selector ? selectorFromObject(claim.spec.selector) : undefined;
  let best: { volume: PersistentVolume; size: number } | undefined;
  for (const volume of storage.availableVolumes(classOf(claim))) {
    const spec = volume.spec;
    if (!spec || taken.has(volume.metadata?.name ?? "") || volume.metadata?.deletionTimestamp) continue;
    const promised = spec.claimRef;
    if (
      promised &&
      !(promised.namespace === claim.metadata?.namespace && promised.name === claim.metadata?.name)
    ) {
      continue;
    }
    const size = quantityValue(spec.capacity?.storage ?? "0");
    if (size < wanted || (best && best.size <= size)) continue;
    if ((spec.volumeMode ?? "Filesystem") !== (claim.spec?.volumeMode ?? "Filesystem")) continue;
    if (!modes.every((mode) => spec.accessModes?.includes(mode))) continue;
    if (selector && !selector.matches(volume.metadata?.labels ?? {})) continue;
    if (!fitsVolume(volume, node)) continue;
    best = { volume, size };
  }
  return best?.volume;
}

function requestedBytes(claim: PersistentVolumeClaim): number {
  return quantityValue(claim.spec?.resources?.requests?.storage ?? "0");
}
