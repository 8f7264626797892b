import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from "../../api/index.ts";
import { podFromTemplate } from "../pods/from-template.ts";

export const revisionLabel = "controller-revision-hash";
const nameLabel = "statefulset.kubernetes.io/pod-name";
const indexLabel = "apps.kubernetes.io/pod-index";

export const podName = (set: StatefulSet, ordinal: number): string => `${set.metadata?.name}-${ordinal}`;

/** The pod's ordinal; -1 when its name is not one of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number {
  const match = /^(.*)-(\d+)$/.exec(pod.metadata?.name ?? "");
  return match && match[1] === set.metadata?.name ? Number(match[2]) : -1;
}

const claimName = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string =>
  `${template.metadata?.name}-${set.metadata?.name}-${ordinal}`;

/** The pod of an ordinal, with its stable name, host name and volumes. */
export function podOf(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): Pod {
  const pod = podFromTemplate(template, set, "apps/v1", "StatefulSet");
  const name = podName(set, ordinal);
  const { generateName: _prefix, ...metadata } = pod.metadata ?? {};
  const templates = set.spec?.volumeClaimTemplates ?? [];
  const own = new Set(templates.map((each) => each.metadata?.name));
  const volumes = [
    ...(pod.spec?.volumes ?? []).filter((volume) => !own.has(volume.name)),
    ...templates.map((each) => ({
      name: each.metadata?.name ?? "",
      persistentVolumeClaim: { claimName: claimName(set, each, ordinal) },
    })),
  ];
  return {
    ...pod,
    metadata: {
      ...metadata,
      name,
      labels: {
        ...metadata.labels,
        [nameLabel]: name,
        [indexLabel]: String(ordinal),
        [revisionLabel]: revision,
      },
    },
    spec: {
      containers: [],
      ...pod.spec,
      hostname: name,
      ...(set.spec?.serviceName ? { subdomain: set.spec.serviceName } : {}),
      ...(volumes.length > 0 ? { volumes } : {}),
    },
  };
}

/** The claims of an ordinal's pod. They outlive it, unless the retention policy says otherwise. */
export function claimsOf(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  const selected = set.spec?.selector.matchLabels ?? {};
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      ...(template.metadata?.annotations ? { annotations: { ...template.metadata.annotations } } : {}),
      name: claimName(set, template, ordinal),
      namespace: set.metadata?.namespace ?? "",
      labels: { ...template.metadata?.labels, ...selected },
    },
    ...(template.spec ? { spec: template.spec } : {}),
  }));
}
