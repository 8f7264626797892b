import type { Job, Pod, PodFailurePolicyRule } from "../../api/index.ts";

export type FailureAction = "FailJob" | "FailIndex" | "Ignore" | "Count";

/** Evaluates the podFailurePolicy for a failed pod; the first matching rule decides. */
export function judgeFailure(job: Job, pod: Pod): { action: FailureAction; message: string } {
  const rules = job.spec?.podFailurePolicy?.rules ?? [];
  for (const [index, rule] of rules.entries()) {
    const why = matchedBy(rule, pod);
    if (why === undefined) continue;
    return {
      action: rule.action as FailureAction,
      message: `${why} matching ${rule.action} rule at index ${index}`,
    };
  }
  return { action: "Count", message: "" };
}

function matchedBy(rule: PodFailurePolicyRule, pod: Pod): string | undefined {
  const name = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
  const { onExitCodes, onPodConditions } = rule;
  if (onExitCodes) {
    const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
    for (const status of [...containerStatuses, ...initContainerStatuses]) {
      const code = status.state?.terminated?.exitCode;
      if (!code || (onExitCodes.containerName && onExitCodes.containerName !== status.name)) continue;
      if (onExitCodes.values.includes(code) === (onExitCodes.operator === "In")) {
        return `Container ${status.name} for pod ${name} failed with exit code ${code}`;
      }
    }
    return undefined;
  }
  for (const pattern of onPodConditions ?? []) {
    const found = pod.status?.conditions?.find(
      (each) => each.type === pattern.type && each.status === (pattern.status ?? "True"),
    );
    if (found) return `Pod ${name} has condition ${pattern.type}`;
  }
  return undefined;
}
