import type { PersistentVolume, PersistentVolumeClaim } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import { bindCompleted, boundByController } from "./claim-facts.ts";

/**
 * Binds claim and volume in four steps, each of which may have been done before: the volume's reference, its phase, the claim's
 * volume name, its status. Concurrent binds of a volume are decided by its resourceVersion.
 */
export async function bind(
  client: Client,
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
): Promise<void> {
  const referring = await referTo(client, volume, claim);
  await setVolumePhase(client, referring, "Bound");
  const named = await nameVolume(client, claim, volume);
  const status = {
    ...named.status,
    phase: "Bound",
    accessModes: volume.spec?.accessModes ?? [],
    capacity: volume.spec?.capacity ?? {},
  };
  if (deepEqual(status, named.status)) return;
  await client.persistentVolumeClaims.updateStatus(claim.metadata?.namespace, { ...named, status });
}

async function referTo(
  client: Client,
  volume: PersistentVolume,
  claim: PersistentVolumeClaim,
): Promise<PersistentVolume> {
  const { namespace, name, uid, resourceVersion } = claim.metadata ?? {};
  if (volume.spec?.claimRef?.uid === uid && uid) return volume;
  // A reservation made by the user stays when the claim is deleted.
  const ours = volume.spec?.claimRef === undefined;
  return await client.persistentVolumes.update(undefined, {
    ...volume,
    metadata: {
      ...volume.metadata,
      ...(ours ? { annotations: { ...volume.metadata?.annotations, [boundByController]: "yes" } } : {}),
    },
    spec: {
      ...volume.spec,
      claimRef: {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        ...(namespace ? { namespace } : {}),
        ...(name ? { name } : {}),
        ...(uid ? { uid } : {}),
        ...(resourceVersion ? { resourceVersion } : {}),
      },
    },
  });
}

export async function setVolumePhase(
  client: Client,
  volume: PersistentVolume,
  phase: string,
  message?: string,
): Promise<PersistentVolume> {
  if (volume.status?.phase === phase && volume.status.message === message) return volume;
  return await client.persistentVolumes.updateStatus(undefined, {
    ...volume,
    status: { phase, ...(message ? { message } : {}) },
  });
}

async function nameVolume(
  client: Client,
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
): Promise<PersistentVolumeClaim> {
  const { annotations } = claim.metadata ?? {};
  const named = claim.spec?.volumeName === volume.metadata?.name;
  if (named && annotations?.[bindCompleted] !== undefined) return claim;
  return await client.persistentVolumeClaims.update(claim.metadata?.namespace, {
    ...claim,
    metadata: {
      ...claim.metadata,
      annotations: {
        ...annotations,
        [bindCompleted]: "yes",
        ...(named ? {} : { [boundByController]: "yes" }),
      },
    },
    spec: { ...claim.spec, volumeName: volume.metadata?.name ?? "" },
  });
}
