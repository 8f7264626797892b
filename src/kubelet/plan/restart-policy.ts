import type { Container, Pod } from "../../api/index.ts";
import type { ContainerStatus } from "../../cri/index.ts";

export type RestartPolicy = "Always" | "OnFailure" | "Never";

/** The container's own policy (sidecars, restart rules), else the pod's. */
export function restartPolicyOf(pod: Pod, container: Container): RestartPolicy {
  return (container.restartPolicy ?? pod.spec?.restartPolicy ?? "Always") as RestartPolicy;
}

/** Whether a container with the newest run `last` is to run (again). True if it has never started. */
export function shouldRestart(pod: Pod, container: Container, last: ContainerStatus | undefined): boolean {
  if (!last) return true;
  if (last.state === "Running") return false;
  // A container that was created but never ran, or whose state is lost, has not run.
  if (last.state === "Created" || last.state === "Unknown") return true;
  for (const rule of container.restartPolicyRules ?? []) {
    if (rule.exitCodes && matchesExitCode(rule.exitCodes, last.exitCode)) return rule.action === "Restart";
  }
  switch (restartPolicyOf(pod, container)) {
    case "Never":
      return false;
    case "OnFailure":
      return last.exitCode !== 0;
    case "Always":
      return true;
  }
}

function matchesExitCode(rule: { operator: string; values?: number[] }, exitCode: number): boolean {
  const listed = (rule.values ?? []).includes(exitCode);
  return rule.operator === "NotIn" ? !listed : listed;
}
