import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/index.ts";
import {
  bindCompleted,
  boundByController,
  classOf,
  findVolume,
  isPromisedTo,
  mismatch,
  provisionedBy,
  selectedNode,
  waitsForConsumer,
} from "./claim-facts.ts";

export interface Note {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

export type ClaimPlan =
  | { kind: "bind"; volume: PersistentVolume }
  | { kind: "pending"; note?: Note; provisioner?: string }
  | { kind: "lost"; note: Note };

export interface ClaimView {
  volumes: readonly PersistentVolume[];
  volume(name: string): PersistentVolume | undefined;
  storageClass: StorageClass | undefined;
  /** Unscheduled pods that use the claim. */
  unplacedPods: readonly string[];
}

/** The action for a claim. `bind` is idempotent. */
export function planClaim(claim: PersistentVolumeClaim, view: ClaimView): ClaimPlan {
  return claim.metadata?.annotations?.[bindCompleted] === undefined
    ? planUnbound(claim, view)
    : planBound(claim, view);
}

function planUnbound(claim: PersistentVolumeClaim, view: ClaimView): ClaimPlan {
  const wanted = claim.spec?.volumeName;
  if (wanted) {
    const volume = view.volume(wanted);
    if (!volume) return { kind: "pending" };
    if (volume.spec?.claimRef && !isPromisedTo(volume, claim)) {
      const message = `volume "${wanted}" already bound to a different claim.`;
      return { kind: "pending", note: { type: "Warning", reason: "FailedBinding", message } };
    }
    // A reserved volume is used whatever the claim's class and access modes.
    const problem = volume.spec?.claimRef ? undefined : mismatch(volume, claim);
    if (problem) {
      const message = `Cannot bind to requested volume "${wanted}": ${problem}`;
      return { kind: "pending", note: { type: "Warning", reason: "VolumeMismatch", message } };
    }
    return { kind: "bind", volume };
  }
  const { storageClass } = view;
  const node = claim.metadata?.annotations?.[selectedNode];
  const waits = waitsForConsumer(storageClass) && node === undefined;
  // The scheduler chooses the volume by node, and writes its choice into it.
  const volume = findVolume(claim, view.volumes, waitsForConsumer(storageClass));
  if (volume) return { kind: "bind", volume };
  if (waits) return { kind: "pending", note: waitingNote(view.unplacedPods) };
  const name = classOf(claim);
  if (name === "") {
    const message = "no persistent volumes available for this claim and no storage class is set";
    return { kind: "pending", note: { type: "Normal", reason: "FailedBinding", message } };
  }
  if (!storageClass) {
    const message = `storageclass.storage.k8s.io "${name}" not found`;
    return { kind: "pending", note: { type: "Warning", reason: "ProvisioningFailed", message } };
  }
  const { provisioner } = storageClass;
  if (provisioner === "kubernetes.io/no-provisioner") {
    const message = "no volume plugin matched name: kubernetes.io/no-provisioner";
    return { kind: "pending", note: { type: "Warning", reason: "ProvisioningFailed", message } };
  }
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  return { kind: "pending", provisioner, note: { type: "Normal", reason: "ExternalProvisioning", message } };
}

function waitingNote(pods: readonly string[]): Note {
  if (pods.length === 0) {
    const message = "waiting for first consumer to be created before binding";
    return { type: "Normal", reason: "WaitForFirstConsumer", message };
  }
  const message = `waiting for ${pods.length > 1 ? "pods" : "pod"} ${pods.join(",")} to be scheduled`;
  return { type: "Normal", reason: "WaitForPodScheduled", message };
}

function planBound(claim: PersistentVolumeClaim, view: ClaimView): ClaimPlan {
  const name = claim.spec?.volumeName;
  const lost = (reason: string, message: string): ClaimPlan => ({
    kind: "lost",
    note: { type: "Warning", reason, message },
  });
  if (!name) {
    return lost(
      "ClaimLost",
      "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!",
    );
  }
  const volume = view.volume(name);
  if (!volume)
    return lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
  if (!volume.spec?.claimRef || isPromisedTo(volume, claim)) return { kind: "bind", volume };
  return lost("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
}

export type VolumePlan =
  | { kind: "phase"; phase: "Available" | "Bound" | "Released" }
  /** The claim chose another volume: available again. */
  | { kind: "unbind" }
  /** Its claim must be queued. */
  | { kind: "wake" };

/** The action for a volume. `claim` is the claim referenced, read from the server if the cache lacks it. */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumePlan {
  const reference = volume.spec?.claimRef;
  if (!reference) return { kind: "phase", phase: "Available" };
  // Reserved for a claim that may not exist yet.
  if (!reference.uid) return { kind: "phase", phase: "Available" };
  if (!claim || claim.metadata?.uid !== reference.uid) return { kind: "phase", phase: "Released" };
  const name = claim.spec?.volumeName;
  if (!name) return { kind: "wake" };
  if (name === volume.metadata?.name) return { kind: "phase", phase: "Bound" };
  const annotations = volume.metadata?.annotations ?? {};
  const made =
    annotations[provisionedBy] !== undefined && volume.spec?.persistentVolumeReclaimPolicy === "Delete";
  // Provisioned for this claim, which was bound to another volume in the meantime.
  if (made) return { kind: "phase", phase: "Released" };
  return annotations[boundByController] === undefined
    ? { kind: "phase", phase: "Bound" }
    : { kind: "unbind" };
}
