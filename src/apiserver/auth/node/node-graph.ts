import type { PersistentVolume, Pod } from "../../../api/index.ts";
import type { ObjectReader } from "../../auth-contract.ts";

/** What the pods of each node refer to, kept up with the pods as they change. */
export class NodeGraph {
  /** Node to `kind/namespace/name` to how many pods refer to it. */
  #references = new Map<string, Map<string, number>>();
  #objects: ObjectReader | undefined;

  attach(objects: ObjectReader): void {
    this.#objects = objects;
    for (const pod of objects.list<Pod>("", "pods")) this.#count(pod, 1);
    objects.onChange<Pod>("", "pods", (type, pod, old) => {
      if (type === "modified" && old?.spec?.nodeName === pod.spec?.nodeName) return; // what a bound pod refers to is fixed
      if (old) this.#count(old, -1);
      else if (type === "deleted") this.#count(pod, -1);
      if (type !== "deleted") this.#count(pod, 1);
    });
  }

  /** Is there a pod on the node that refers to this object? `kind` is a plural. */
  related(node: string, kind: string, namespace: string, name: string): boolean {
    if (kind === "persistentvolumes") {
      const claim = this.#objects?.get<PersistentVolume>("", kind, undefined, name)?.spec?.claimRef;
      return (
        claim !== undefined &&
        this.related(node, "persistentvolumeclaims", claim.namespace ?? "", claim.name ?? "")
      );
    }
    if (kind === "pods") return this.#objects?.get<Pod>("", "pods", namespace, name)?.spec?.nodeName === node;
    return this.#references.get(node)?.has(`${kind}/${namespace}/${name}`) ?? false;
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

function referencesOf(pod: Pod): Set<string> {
  const namespace = pod.metadata?.namespace ?? "";
  const found = new Set<string>();
  const add = (kind: string, name: string | undefined): void => {
    if (name) found.add(`${kind}/${namespace}/${name}`);
  };
  const spec = pod.spec;
  add("serviceaccounts", spec?.serviceAccountName);
  for (const secret of spec?.imagePullSecrets ?? []) add("secrets", secret.name);
  for (const container of [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ]) {
    for (const from of container.envFrom ?? []) {
      add("configmaps", from.configMapRef?.name);
      add("secrets", from.secretRef?.name);
    }
    for (const env of container.env ?? []) {
      add("configmaps", env.valueFrom?.configMapKeyRef?.name);
      add("secrets", env.valueFrom?.secretKeyRef?.name);
    }
  }
  for (const volume of spec?.volumes ?? []) {
    add("configmaps", volume.configMap?.name);
    add("secrets", volume.secret?.secretName);
    add("secrets", volume.csi?.nodePublishSecretRef?.name);
    add("persistentvolumeclaims", volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral) add("persistentvolumeclaims", `${pod.metadata?.name}-${volume.name}`);
    for (const source of volume.projected?.sources ?? []) {
      add("configmaps", source.configMap?.name);
      add("secrets", source.secret?.name);
    }
  }
  return found;
}
