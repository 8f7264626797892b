import type { Pod } from "../../api/index.ts";
import { allContainers, podNamespace } from "../pods/pod-key.ts";

export interface ObjectReference {
  kind: "configMap" | "secret";
  namespace: string;
  name: string;
}

/** The ConfigMaps and Secrets that a pod uses: in volumes, variables, image pull secrets. Without duplicates. */
export function referencedObjects(pod: Pod): ObjectReference[] {
  const namespace = podNamespace(pod);
  const found = new Map<string, ObjectReference>();
  const add = (kind: ObjectReference["kind"], name: string | undefined): void => {
    if (name) found.set(`${kind}/${name}`, { kind, namespace, name });
  };
  for (const { container } of allContainers(pod)) {
    for (const from of container.envFrom ?? []) {
      add("configMap", from.configMapRef?.name);
      add("secret", from.secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add("configMap", valueFrom?.configMapKeyRef?.name);
      add("secret", valueFrom?.secretKeyRef?.name);
    }
  }
  for (const volume of pod.spec?.volumes ?? []) {
    add("configMap", volume.configMap?.name);
    add("secret", volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      add("configMap", source.configMap?.name);
      add("secret", source.secret?.name);
    }
  }
  for (const secret of pod.spec?.imagePullSecrets ?? []) add("secret", secret.name);
  return [...found.values()];
}
