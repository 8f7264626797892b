/** Preferred groups: the priorities of Kubernetes' own APIServices. */

export interface Priority {
  /** Higher comes first; a group has the highest of its versions' priorities. */
  group: number;
  /** Within the group. */
  version: number;
}

const groups: Record<string, number> = {
  "": 18_000,
  apps: 17_800,
  "events.k8s.io": 17_750,
  "authentication.k8s.io": 17_700,
  "authorization.k8s.io": 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  "certificates.k8s.io": 17_300,
  "networking.k8s.io": 17_200,
  policy: 17_100,
  "rbac.authorization.k8s.io": 17_000,
  "storage.k8s.io": 16_800,
  "apiextensions.k8s.io": 16_700,
  "admissionregistration.k8s.io": 16_700,
  "scheduling.k8s.io": 16_600,
  "coordination.k8s.io": 16_500,
  "node.k8s.io": 16_300,
  "discovery.k8s.io": 16_200,
  "resource.k8s.io": 16_200,
  "flowcontrol.apiserver.k8s.io": 16_100,
  "internal.apiserver.k8s.io": 16_000,
};

/** Versions with another priority than 15. */
const versions: Record<string, number> = {
  "/v1": 1,
  "autoscaling/v2": 30,
  "flowcontrol.apiserver.k8s.io/v1": 21,
  "resource.k8s.io/v1": 21,
};

/** Priority of a locally served group and version; custom resources come last. */
export function priorityOf(group: string, version: string): Priority {
  // It has no APIService, and comes before all others.
  if (group === registrationGroup) return { group: 20_000, version: 0 };
  const known = Object.hasOwn(groups, group) ? groups[group] : undefined;
  if (known === undefined) return { group: 1000, version: 100 };
  return { group: known, version: versions[`${group}/${version}`] ?? 15 };
}

/** True for the groups of Kubernetes itself. */
export const isBuiltInGroup = (group: string): boolean =>
  group === registrationGroup || Object.hasOwn(groups, group);

export const registrationGroup = "apiregistration.k8s.io";
