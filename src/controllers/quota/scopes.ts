import type { Pod, ResourceQuota, ScopedResourceSelectorRequirement } from "../../api/index.ts";
import { podResources } from "./usage.ts";

/** Whether the quota counts this pod; one without scopes counts all. */
export function inScope(quota: ResourceQuota, pod: Pod): boolean {
  const { scopes = [], scopeSelector } = quota.spec ?? {};
  return (
    scopes.every((scope) => meets({ scopeName: scope, operator: "Exists" }, pod)) &&
    (scopeSelector?.matchExpressions ?? []).every((each) => meets(each, pod))
  );
}

export const hasScopes = (quota: ResourceQuota): boolean =>
  (quota.spec?.scopes ?? []).length > 0 || (quota.spec?.scopeSelector?.matchExpressions ?? []).length > 0;

function meets({ scopeName, operator, values = [] }: ScopedResourceSelectorRequirement, pod: Pod): boolean {
  const { spec } = pod;
  switch (scopeName) {
    case "Terminating":
      return spec?.activeDeadlineSeconds !== undefined;
    case "NotTerminating":
      return spec?.activeDeadlineSeconds === undefined;
    case "BestEffort":
      return isBestEffort(pod);
    case "NotBestEffort":
      return !isBestEffort(pod);
    case "PriorityClass": {
      const name = spec?.priorityClassName ?? "";
      if (operator === "Exists") return name !== "";
      if (operator === "DoesNotExist") return name === "";
      return values.includes(name) === (operator === "In");
    }
    case "CrossNamespacePodAffinity":
      return reachesOtherNamespaces(pod);
    default:
      return false;
  }
}

function isBestEffort(pod: Pod): boolean {
  return (["requests", "limits"] as const).every((what) =>
    [...podResources(pod, what)].every(
      ([name, amount]) => (name !== "cpu" && name !== "memory") || amount.nanos === 0n,
    ),
  );
}

function reachesOtherNamespaces(pod: Pod): boolean {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const terms = [podAffinity, podAntiAffinity].flatMap((each) => [
    ...(each?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(each?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((one) => one.podAffinityTerm),
  ]);
  return terms.some((term) => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined);
}
