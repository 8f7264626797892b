import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../api/index.ts";
import { type Informer, keyOf, settled } from "../../client/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing } from "../failures.ts";
import { isFinished } from "../pods/state.ts";
import { bind, setVolumePhase } from "./bind.ts";
import { boundByController, claimKey, classOf, storageProvisioner } from "./claim-facts.ts";
import { planClaim, planVolume } from "./reconcile.ts";

/** Keys of both kinds share a queue, so that a claim and its volume are never processed concurrently. */
const volumeKey = (name: string): string => `//${name}`;

/** Binds claims to volumes and maintains the phases of both. Provisioners create and delete volumes. */
export async function runVolumeBinder(context: ControllerContext): Promise<void> {
  const { client, informers } = context;
  const claims = informers.of(client.persistentVolumeClaims);
  const volumes = informers.of(client.persistentVolumes);
  const classes = informers.of(client.storageClasses);
  const pods = informers.of(client.pods);
  const recorder = context.recorder("persistentvolume-controller");
  const queue = newQueue(context);
  volumes.addIndex("class", (volume) => [classOf(volume)]);
  indexByClaim(pods);

  const wakePending = (name: string | undefined): void => {
    for (const claim of claims.list()) {
      if (claim.status?.phase !== "Bound" && (name === undefined || classOf(claim) === name))
        queue.add(keyOf(claim));
    }
  };
  claims.onChange((type, claim) => {
    queue.add(keyOf(claim));
    if (claim.spec?.volumeName) queue.add(volumeKey(claim.spec.volumeName));
    if (type !== "delete") return;
    for (const volume of volumes.list()) {
      if (volume.spec?.claimRef?.uid === claim.metadata?.uid)
        queue.add(volumeKey(volume.metadata?.name ?? ""));
    }
  });
  volumes.onChange((type, volume) => {
    queue.add(volumeKey(volume.metadata?.name ?? ""));
    const { namespace, name } = volume.spec?.claimRef ?? {};
    if (name) queue.add(`${namespace}/${name}`);
    else if (type !== "delete" && volume.status?.phase === "Available") wakePending(classOf(volume));
  });
  classes.onChange((type, storageClass) => {
    if (type !== "delete") wakePending(storageClass.metadata?.name);
  });

  await runLoop(context, {
    name: "persistentvolume",
    queue,
    // One at a time: two claims must not choose the same volume.
    workers: 1,
    needs: [claims, volumes, classes, pods],
    async reconcile(key) {
      if (key.startsWith("//")) {
        const volume = volumes.get(key.slice(2));
        if (volume) await syncVolume(volume);
      } else {
        const claim = claims.get(key);
        if (claim) await syncClaim(claim);
      }
      return settled;
    },
  });

  async function syncClaim(claim: PersistentVolumeClaim): Promise<void> {
    const name = classOf(claim);
    const plan = planClaim(claim, {
      volumes: volumes.byIndex("class", name),
      volume: (each) => volumes.get(each),
      storageClass: classes.get(name),
      unplacedPods: podsOfClaim(pods, claimKey(claim))
        .filter((pod) => !pod.spec?.nodeName && !isFinished(pod))
        .map((pod) => pod.metadata?.name ?? ""),
    });
    switch (plan.kind) {
      case "bind":
        await bind(client, claim, plan.volume);
        return;
      case "pending":
        if (plan.note) recorder.event(claim, plan.note.type, plan.note.reason, plan.note.message);
        await setPhase(plan.provisioner ? await ask(claim, plan.provisioner) : claim, "Pending");
        return;
      case "lost":
        // The volume cache may be behind the claim cache.
        if (claim.spec?.volumeName && plan.note.reason === "ClaimLost") {
          const found = await ignoreMissing(client.persistentVolumes.get(undefined, claim.spec.volumeName));
          if (found) return;
        }
        if (claim.status?.phase !== "Lost") {
          recorder.event(claim, plan.note.type, plan.note.reason, plan.note.message);
        }
        await setPhase(claim, "Lost");
    }
  }

  /** Sets the annotation that triggers the class's provisioner. */
  async function ask(claim: PersistentVolumeClaim, provisioner: string): Promise<PersistentVolumeClaim> {
    const { annotations } = claim.metadata ?? {};
    if (annotations?.[storageProvisioner] === provisioner) return claim;
    return await client.persistentVolumeClaims.update(claim.metadata?.namespace, {
      ...claim,
      metadata: { ...claim.metadata, annotations: { ...annotations, [storageProvisioner]: provisioner } },
    });
  }

  async function setPhase(claim: PersistentVolumeClaim, phase: "Pending" | "Lost"): Promise<void> {
    if (claim.status?.phase === phase) return;
    const { accessModes: _modes, capacity: _capacity, ...status } = claim.status ?? {};
    await client.persistentVolumeClaims.updateStatus(claim.metadata?.namespace, {
      ...claim,
      status: { ...status, phase },
    });
  }

  async function syncVolume(volume: PersistentVolume): Promise<void> {
    const { namespace = "", name = "" } = volume.spec?.claimRef ?? {};
    const key = `${namespace}/${name}`;
    const reference = volume.spec?.claimRef;
    let claim = name ? claims.get(key) : undefined;
    if (reference?.uid && claim?.metadata?.uid !== reference.uid) {
      // Releasing a volume may delete data: verify that the claim is gone.
      claim = await ignoreMissing(client.persistentVolumeClaims.get(namespace, name));
    }
    const plan = planVolume(volume, claim);
    if (plan.kind === "wake") queue.add(key);
    else if (plan.kind === "unbind") await unbind(volume);
    else if (volume.status?.phase !== "Failed" || plan.phase !== "Released") {
      await setVolumePhase(client, volume, plan.phase);
    }
  }

  async function unbind(volume: PersistentVolume): Promise<void> {
    const { claimRef: _claim, ...spec } = volume.spec ?? {};
    const { [boundByController]: _ours, ...annotations } = volume.metadata?.annotations ?? {};
    await ignoreMissing(
      client.persistentVolumes.update(undefined, {
        ...volume,
        metadata: { ...volume.metadata, annotations },
        spec,
      }),
    );
  }
}

const claimIndex = "claim";

export function indexByClaim(pods: Informer<Pod>): void {
  pods.addIndex(claimIndex, claimsOf);
}

export const podsOfClaim = (pods: Informer<Pod>, key: string): Pod[] => pods.byIndex(claimIndex, key);

/** Keys of a pod's claims; that of a generic ephemeral volume is named by pod and volume. */
export function claimsOf(pod: Pod): string[] {
  const keys: string[] = [];
  for (const volume of pod.spec?.volumes ?? []) {
    const name =
      volume.persistentVolumeClaim?.claimName ??
      (volume.ephemeral ? `${pod.metadata?.name}-${volume.name}` : undefined);
    if (name) keys.push(`${pod.metadata?.namespace}/${name}`);
  }
  return keys;
}
