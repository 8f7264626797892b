import type {
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ResourceSlice,
  VolumeAttachment,
} from "../../../api/index.ts";
import { deepEqual } from "../../../machinery/index.ts";
import { referencedConfigMaps, referencedSecrets } from "../../admission/pod-secrets.ts";
import type { ObjectReader } from "../../auth-contract.ts";

const mirror = "kubernetes.io/config.mirror";
const claimPrefix = "persistentvolumeclaims/";

/** Metrics of the graph. */
export interface GraphWatch {
  /** Monotonic clock, in milliseconds. */
  now(): number;
  took(action: "AddPod" | "DeletePod", ms: number): void;
}

/** The objects that each node's pods refer to, updated as pods change. */
export class NodeGraph {
  /** Node to `kind/namespace/name` to the number of pods that refer to it. */
  #references = new Map<string, Map<string, number>>();
  #objects: ObjectReader | undefined;

  /** `watch`: measures updates. */
  attach(objects: ObjectReader, watch?: GraphWatch): void {
    this.#objects = objects;
    for (const pod of objects.list<Pod>("", "pods")) this.#count(pod, 1);
    objects.onChange<Pod>("", "pods", (type, pod, old) => {
      if (type === "modified" && old && refersAlike(pod, old)) return;
      const began = watch?.now() ?? 0;
      if (old) this.#count(old, -1);
      else if (type === "deleted") this.#count(pod, -1);
      if (type !== "deleted") this.#count(pod, 1);
      watch?.took(type === "deleted" ? "DeletePod" : "AddPod", watch.now() - began);
    });
  }

  /** Whether a pod on the node refers to this object, or it is the node's own. `kind` is a plural. */
  related(node: string, kind: string, namespace: string, name: string): boolean {
    const objects = this.#objects;
    switch (kind) {
      case "persistentvolumes": {
        const claim = objects?.get<PersistentVolume>("", kind, undefined, name)?.spec?.claimRef;
        const { namespace: where = "", name: of = "" } = claim ?? {};
        return claim !== undefined && this.#refers(node, `${claimPrefix}${where}/${of}`);
      }
      case "pods":
        return objects?.get<Pod>("", "pods", namespace, name)?.spec?.nodeName === node;
      case "volumeattachments":
        return (
          objects?.get<VolumeAttachment>("storage.k8s.io", kind, undefined, name)?.spec.nodeName === node
        );
      case "resourceslices":
        return objects?.get<ResourceSlice>("resource.k8s.io", kind, undefined, name)?.spec?.nodeName === node;
      case "secrets":
        return this.#refers(node, `secrets/${namespace}/${name}`) || this.#mountsWith(node, namespace, name);
      default:
        return this.#refers(node, `${kind}/${namespace}/${name}`);
    }
  }

  #refers(node: string, reference: string): boolean {
    return this.#references.get(node)?.has(reference) ?? false;
  }

  /** Whether a volume that a pod on the node claims needs the secret for mounting. */
  #mountsWith(node: string, namespace: string, name: string): boolean {
    for (const reference of this.#references.get(node)?.keys() ?? []) {
      if (!reference.startsWith(claimPrefix)) continue;
      const [claimNamespace = "", claimName = ""] = reference.slice(claimPrefix.length).split("/");
      const claim = this.#objects?.get<PersistentVolumeClaim>(
        "",
        "persistentvolumeclaims",
        claimNamespace,
        claimName,
      );
      const volumeName = claim?.spec?.volumeName;
      const volume =
        volumeName && this.#objects?.get<PersistentVolume>("", "persistentvolumes", undefined, volumeName);
      if (!volume) continue;
      const secrets = mountSecrets(volume, claimNamespace);
      if (secrets.some((each) => each.namespace === namespace && each.name === name)) return true;
    }
    return false;
  }

  #count(pod: Pod, by: 1 | -1): void {
    const node = pod.spec?.nodeName;
    if (!node) return;
    const counts = this.#references.get(node) ?? new Map<string, number>();
    this.#references.set(node, counts);
    for (const reference of referencesOf(pod)) {
      const count = (counts.get(reference) ?? 0) + by;
      if (count > 0) counts.set(reference, count);
      else counts.delete(reference);
    }
    if (counts.size === 0) this.#references.delete(node);
  }
}

/** Few references of a bound pod can change: ephemeral containers, and generated claims. */
const refersAlike = (pod: Pod, old: Pod): boolean =>
  old.spec?.nodeName === pod.spec?.nodeName &&
  (old.spec?.ephemeralContainers?.length ?? 0) === (pod.spec?.ephemeralContainers?.length ?? 0) &&
  deepEqual(old.status?.resourceClaimStatuses, pod.status?.resourceClaimStatuses) &&
  deepEqual(old.status?.extendedResourceClaimStatus, pod.status?.extendedResourceClaimStatus);

function referencesOf(pod: Pod): Set<string> {
  const { metadata, spec, status } = pod;
  // Nodes create mirror pods themselves, so these must not grant access to anything.
  if (metadata?.annotations?.[mirror] !== undefined) return new Set();
  const namespace = metadata?.namespace ?? "";
  const found = new Set<string>();
  const add = (kind: string, name: string | undefined): void => {
    if (name) found.add(`${kind}/${namespace}/${name}`);
  };
  add("serviceaccounts", spec?.serviceAccountName);
  for (const secret of referencedSecrets(pod)) add("secrets", secret);
  for (const configMap of referencedConfigMaps(pod)) add("configmaps", configMap);
  for (const volume of spec?.volumes ?? []) {
    add("persistentvolumeclaims", volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral) add("persistentvolumeclaims", `${metadata?.name}-${volume.name}`);
  }
  for (const claim of spec?.resourceClaims ?? []) {
    const made = status?.resourceClaimStatuses?.find((each) => each.name === claim.name);
    add("resourceclaims", claim.resourceClaimName ?? made?.resourceClaimName);
  }
  add("resourceclaims", status?.extendedResourceClaimStatus?.resourceClaimName);
  return found;
}

/** Secrets that a kubelet needs to mount a volume; controllers use those for attaching and expansion. */
function mountSecrets(
  volume: PersistentVolume,
  claimNamespace: string,
): { namespace: string; name: string }[] {
  const { azureFile, cephfs, cinder, csi, flexVolume, iscsi, rbd, scaleIO, storageos } = volume.spec ?? {};
  const references = [
    azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace },
    cephfs?.secretRef,
    cinder?.secretRef,
    flexVolume?.secretRef,
    iscsi?.secretRef,
    rbd?.secretRef,
    scaleIO?.secretRef,
    storageos?.secretRef,
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
  ];
  return references.flatMap((each) =>
    each?.name ? [{ name: each.name, namespace: each.namespace || claimNamespace }] : [],
  );
}
