import type { PersistentVolume, PersistentVolumeClaim } from "../../api/index.ts";
import { keyOf, settled } from "../../client/index.ts";
import { isReason } from "../../machinery/index.ts";
import { type Controller, type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing, namespaceGoes } from "../failures.ts";
import { setVolumePhase } from "../volumes/bind.ts";
import { classOf, selectedNode } from "../volumes/claim-facts.ts";
import type { VolumeDirectories } from "./directories.ts";
import { pathToRemove, planProvision, provisioner } from "./reconcile.ts";

export interface LocalPathOptions {
  /** Parent of the volumes' directories. */
  dir: string;
}

const volumeKey = (name: string): string => `//${name}`;

export function localPathProvisioner(options: LocalPathOptions, directories: VolumeDirectories): Controller {
  return (context) => runProvisioner(context, options, directories);
}

/** Creates a directory for each claim of its classes, and removes it with a released volume that is to be deleted. */
async function runProvisioner(
  context: ControllerContext,
  { dir }: LocalPathOptions,
  directories: VolumeDirectories,
): Promise<void> {
  const { client, informers, log } = context;
  const claims = informers.of(client.persistentVolumeClaims);
  const volumes = informers.of(client.persistentVolumes);
  const classes = informers.of(client.storageClasses);
  const nodes = informers.of(client.nodes);
  const recorder = context.recorder(provisioner);
  const queue = newQueue(context);

  const wake = (accept: (claim: PersistentVolumeClaim) => boolean): void => {
    for (const claim of claims.list()) if (!claim.spec?.volumeName && accept(claim)) queue.add(keyOf(claim));
  };
  claims.onChange((type, claim) => {
    if (type !== "delete" && !claim.spec?.volumeName) queue.add(keyOf(claim));
  });
  volumes.onChange((type, volume) => {
    if (type !== "delete") queue.add(volumeKey(volume.metadata?.name ?? ""));
  });
  classes.onChange((type, each) => {
    if (type !== "delete") wake((claim) => classOf(claim) === each.metadata?.name);
  });
  nodes.onChange((type, node) => {
    if (type !== "add") return;
    wake((claim) => [undefined, node.metadata?.name].includes(claim.metadata?.annotations?.[selectedNode]));
  });

  await runLoop(context, {
    name: "local-path",
    queue,
    workers: 4,
    needs: [claims, volumes, classes, nodes],
    async reconcile(key) {
      if (key.startsWith("//")) {
        const volume = volumes.get(key.slice(2));
        if (volume) await reclaim(volume);
        return settled;
      }
      const claim = claims.get(key);
      if (claim) await provision(claim);
      return settled;
    },
  });

  async function provision(claim: PersistentVolumeClaim): Promise<void> {
    const storageClass = classes.get(classOf(claim));
    if (storageClass?.provisioner !== provisioner) return;
    if (claim.spec?.volumeName || claim.metadata?.deletionTimestamp) return;
    if (volumes.get(`pvc-${claim.metadata?.uid}`)) return;
    const verdict = planProvision(claim, storageClass, nodes.list(), dir);
    if (verdict.kind === "wait") return;
    if (verdict.kind === "refuse") {
      const message = `failed to provision volume with StorageClass "${classOf(claim)}": ${verdict.message}`;
      recorder.event(claim, "Warning", "ProvisioningFailed", message);
      return;
    }
    try {
      await directories.create(verdict.path);
      await client.persistentVolumes.create(undefined, verdict.volume);
    } catch (error) {
      if (isReason(error, "AlreadyExists") || namespaceGoes(error)) return;
      const message = `failed to provision volume with StorageClass "${classOf(claim)}": ${(error as Error).message}`;
      recorder.event(claim, "Warning", "ProvisioningFailed", message);
      throw error;
    }
    const message = `Successfully provisioned volume ${verdict.volume.metadata?.name}`;
    recorder.event(claim, "Normal", "ProvisioningSucceeded", message);
  }

  async function reclaim(volume: PersistentVolume): Promise<void> {
    if (volume.status?.phase !== "Released" || volume.spec?.persistentVolumeReclaimPolicy !== "Delete")
      return;
    const path = pathToRemove(volume, dir);
    if (path === undefined) return;
    const { name = "", uid } = volume.metadata ?? {};
    try {
      await directories.remove(path);
    } catch (error) {
      log.error("volume not removed", { volume: name, path, error });
      recorder.event(volume, "Warning", "VolumeFailedDelete", (error as Error).message);
      await setVolumePhase(client, volume, "Failed", (error as Error).message);
      throw error;
    }
    if (volume.metadata?.deletionTimestamp) return;
    await ignoreMissing(client.persistentVolumes.delete(undefined, name, { preconditions: { uid } }));
  }
}
