import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  quota,
  type VolumeAttributesClass,
} from "../../api/index.ts";
import { keyOf, settled, splitKey } from "../../client/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing } from "../failures.ts";
import { isFinished } from "../pods/state.ts";
import { claimsOf, indexByClaim, podsOfClaim } from "./index.ts";

const claimFinalizer = "kubernetes.io/pvc-protection";
const volumeFinalizer = "kubernetes.io/pv-protection";
const attributesFinalizer = "kubernetes.io/vac-protection";

/** Protects claims used by pods, volumes bound to claims, and VolumeAttributesClasses used by either from deletion. */
export async function runStorageProtection(context: ControllerContext): Promise<void> {
  await Promise.all([protectClaims(context), protectVolumes(context), protectClasses(context)]);
}

async function protectClaims(context: ControllerContext): Promise<void> {
  const { client, informers } = context;
  const claims = informers.of(client.persistentVolumeClaims);
  const pods = informers.of(client.pods);
  const queue = newQueue(context);
  indexByClaim(pods);
  claims.onChange((type, claim) => {
    const held = claim.metadata?.finalizers?.includes(claimFinalizer) ?? false;
    const leaving = claim.metadata?.deletionTimestamp !== undefined;
    if (type !== "delete" && held === leaving) queue.add(keyOf(claim));
  });
  pods.onChange((type, pod) => {
    if (type !== "delete" && !isFinished(pod)) return;
    for (const key of claimsOf(pod)) if (claims.get(key)?.metadata?.deletionTimestamp) queue.add(key);
  });

  await runLoop(context, {
    name: "pvc-protection",
    queue,
    workers: 1,
    needs: [claims, pods],
    async reconcile(key) {
      const claim = claims.get(key);
      if (!claim) return settled;
      const { namespace } = splitKey(key);
      const finalizers = claim.metadata?.finalizers ?? [];
      const held = finalizers.includes(claimFinalizer);
      if (!claim.metadata?.deletionTimestamp) {
        if (held) return settled;
        const next = [...finalizers, claimFinalizer];
        await client.persistentVolumeClaims.update(namespace, {
          ...claim,
          metadata: { ...claim.metadata, finalizers: next },
        });
        return settled;
      }
      if (!held) return settled;
      if (podsOfClaim(pods, key).some((pod) => !isFinished(pod)))
        return { kind: "waitFor", what: "its pods" };
      // The cache may be behind a new pod.
      const live = await client.pods.list(namespace);
      if (live.items.some((pod) => !isFinished(pod) && claimsOf(pod).includes(key))) {
        return { kind: "waitFor", what: "its pods" };
      }
      const left = finalizers.filter((each) => each !== claimFinalizer);
      await ignoreMissing(
        client.persistentVolumeClaims.update(namespace, {
          ...claim,
          metadata: { ...claim.metadata, finalizers: left },
        }),
      );
      return settled;
    },
  });
}

async function protectVolumes(context: ControllerContext): Promise<void> {
  const { client, informers } = context;
  const volumes = informers.of(client.persistentVolumes);
  const queue = newQueue(context);
  volumes.onChange((type, volume) => {
    if (type !== "delete") queue.add(keyOf(volume));
  });

  await runLoop(context, {
    name: "pv-protection",
    queue,
    workers: 1,
    needs: [volumes],
    async reconcile(key) {
      const volume = volumes.get(key);
      if (!volume) return settled;
      const finalizers = volume.metadata?.finalizers ?? [];
      const held = finalizers.includes(volumeFinalizer);
      const leaving = volume.metadata?.deletionTimestamp !== undefined;
      if (held !== leaving) return settled;
      if (leaving && volume.status?.phase === "Bound") return { kind: "waitFor", what: "its claim" };
      const next = leaving
        ? finalizers.filter((each) => each !== volumeFinalizer)
        : [...finalizers, volumeFinalizer];
      await ignoreMissing(
        client.persistentVolumes.update(undefined, {
          ...volume,
          metadata: { ...volume.metadata, finalizers: next },
        }),
      );
      return settled;
    },
  });
}

/** VolumeAttributesClasses stay while they are the target, current or pending class of a claim, or a volume's class. */
async function protectClasses(context: ControllerContext): Promise<void> {
  const { client, informers } = context;
  const resource = client.resource<VolumeAttributesClass>("storage.k8s.io", "v1", "volumeattributesclasses");
  const classes = informers.of(resource);
  const claims = informers.of(client.persistentVolumeClaims);
  const volumes = informers.of(client.persistentVolumes);
  const queue = newQueue(context);
  const classOf = ({ spec }: PersistentVolume): string => spec?.volumeAttributesClassName ?? "";
  const recheck = (names: readonly string[]): void => {
    for (const name of names) if (classes.get(name)?.metadata?.deletionTimestamp) queue.add(name);
  };
  classes.onChange((type, each) => {
    if (type !== "delete") queue.add(keyOf(each));
  });
  claims.onChange((_type, claim, old) => recheck(quota.attributesClasses(old ?? claim)));
  volumes.onChange((_type, volume, old) => recheck([classOf(old ?? volume)]));

  await runLoop(context, {
    name: "vac-protection",
    queue,
    workers: 1,
    needs: [classes, claims, volumes],
    async reconcile(name) {
      const each = classes.get(name);
      if (!each) return settled;
      const finalizers = each.metadata?.finalizers ?? [];
      const leaving = each.metadata?.deletionTimestamp !== undefined;
      if (finalizers.includes(attributesFinalizer) !== leaving) return settled;
      const uses = (claim: PersistentVolumeClaim): boolean => quota.attributesClasses(claim).includes(name);
      if (
        leaving &&
        (claims.list().some(uses) || volumes.list().some((volume) => classOf(volume) === name))
      ) {
        return { kind: "waitFor", what: "its claims and volumes" };
      }
      const next = leaving
        ? finalizers.filter((finalizer) => finalizer !== attributesFinalizer)
        : [...finalizers, attributesFinalizer];
      await ignoreMissing(
        resource.update(undefined, { ...each, metadata: { ...each.metadata, finalizers: next } }),
      );
      return settled;
    },
  });
}
