/** Which objects a ResourceQuota with scopes counts. */
import type {
  PersistentVolumeClaim,
  Pod,
  ResourceQuota,
  ScopedResourceSelectorRequirement,
} from "../generated/types.ts";
import type { KubeObject } from "../meta.ts";
import { qosClass } from "../core/pod/qos.ts";
import type { ResourceName } from "./usage.ts";

/** Everything that its scopes want of an object. */
export function requirementsOf({ spec }: ResourceQuota): ScopedResourceSelectorRequirement[] {
  const { scopes = [], scopeSelector } = spec ?? {};
  return [
    ...scopes.map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...(scopeSelector?.matchExpressions ?? []),
  ];
}

/** Whether the quota counts this object; one without scopes counts all, and one with some counts pods or claims alone. */
export function inScope(quota: ResourceQuota, { group, plural }: ResourceName, object: KubeObject): boolean {
  const all = requirementsOf(quota);
  if (all.length === 0) return true;
  if (group !== "") return false;
  if (plural === "pods") return all.every((each) => podMeets(each, object as Pod));
  if (plural !== "persistentvolumeclaims") return false;
  return all.every((each) => claimMeets(each, object as PersistentVolumeClaim));
}

/** Whether one requirement of a scope holds for an object. */
export function meetsScope(
  requirement: ScopedResourceSelectorRequirement,
  { group, plural }: ResourceName,
  object: KubeObject,
): boolean {
  if (group !== "") return false;
  if (plural === "pods") return podMeets(requirement, object as Pod);
  return plural === "persistentvolumeclaims" && claimMeets(requirement, object as PersistentVolumeClaim);
}

export const isTerminating = (pod: Pod): boolean => (pod.spec?.activeDeadlineSeconds ?? -1) >= 0;

function podMeets(requirement: ScopedResourceSelectorRequirement, pod: Pod): boolean {
  switch (requirement.scopeName) {
    case "Terminating":
      return isTerminating(pod);
    case "NotTerminating":
      return !isTerminating(pod);
    case "BestEffort":
      return isBestEffort(pod);
    case "NotBestEffort":
      return !isBestEffort(pod);
    case "PriorityClass": {
      const name = pod.spec?.priorityClassName;
      return selects(requirement, name ? [name] : []);
    }
    case "CrossNamespacePodAffinity":
      return reachesOtherNamespaces(pod);
    default:
      return false;
  }
}

/** A claim belongs to the class it asks for, the one it has, and the one it is on its way to (KEP-3751). */
function claimMeets(requirement: ScopedResourceSelectorRequirement, claim: PersistentVolumeClaim): boolean {
  if (requirement.scopeName !== "VolumeAttributesClass") return false;
  return selects(requirement, attributesClasses(claim));
}

export function attributesClasses({ spec, status }: PersistentVolumeClaim): string[] {
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(names.filter((name): name is string => !!name))];
}

function selects({ operator, values = [] }: ScopedResourceSelectorRequirement, names: string[]): boolean {
  switch (operator) {
    case "Exists":
      return names.length > 0;
    case "DoesNotExist":
      return names.length === 0;
    case "In":
      return names.some((name) => values.includes(name));
    default:
      return names.length === 0 || names.some((name) => !values.includes(name));
  }
}

const isBestEffort = (pod: Pod): boolean => (pod.status?.qosClass ?? qosClass(pod)) === "BestEffort";

function reachesOtherNamespaces(pod: Pod): boolean {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const terms = [podAffinity, podAntiAffinity].flatMap((each) => [
    ...(each?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(each?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((one) => one.podAffinityTerm),
  ]);
  return terms.some((term) => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined);
}
