/** Changes of a new pod before validation, besides defaults. */
import type { LabelSelector, Pod, PodAffinityTerm } from "../../generated/types.ts";
import { profilesFromAnnotations } from "./app-armor.ts";
import { dropDisabled } from "./dropped.ts";
import { qosClass } from "./qos.ts";

type Labels = Readonly<Record<string, string>>;

/** Adds the pod's own values of the keys to the selector. */
function addKeys(
  selector: LabelSelector | undefined,
  keys: readonly string[] | undefined,
  operator: "In" | "NotIn",
  labels: Labels,
): void {
  if (!selector) return;
  for (const key of keys ?? []) {
    const value = labels[key];
    if (value !== undefined) (selector.matchExpressions ??= []).push({ key, operator, values: [value] });
  }
}

function addAffinityKeys({ spec, metadata }: Pod): void {
  const labels = metadata?.labels ?? {};
  const add = (term: PodAffinityTerm | undefined): void => {
    addKeys(term?.labelSelector, term?.matchLabelKeys, "In", labels);
    addKeys(term?.labelSelector, term?.mismatchLabelKeys, "NotIn", labels);
  };
  for (const each of [spec?.affinity?.podAffinity, spec?.affinity?.podAntiAffinity]) {
    for (const weighted of each?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      add(weighted.podAffinityTerm);
    for (const term of each?.requiredDuringSchedulingIgnoredDuringExecution ?? []) add(term);
  }
  for (const { labelSelector, matchLabelKeys } of spec?.topologySpreadConstraints ?? [])
    addKeys(labelSelector, matchLabelKeys, "In", labels);
}

export function prepareNewPod(pod: Pod): void {
  pod.status = { phase: "Pending", qosClass: qosClass(pod) };
  dropDisabled(pod.spec);
  if (pod.spec?.schedulingGates?.length) {
    pod.status.conditions = [
      {
        type: "PodScheduled",
        status: "False",
        lastTransitionTime: pod.metadata?.creationTimestamp as string,
        reason: "SchedulingGated",
        message: "Scheduling is blocked due to non-empty scheduling gates",
      },
    ];
  }
  addAffinityKeys(pod);
  profilesFromAnnotations(pod);
}
