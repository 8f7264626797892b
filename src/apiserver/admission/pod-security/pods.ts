import type { Container, Pod, PodSpec } from "../../../api/index.ts";
import { forbidden } from "../../errors.ts";
import type { PodSecurityMetrics } from "../../metrics/pod-security.ts";
import type { AdmissionRequest } from "../chain.ts";
import { subjectOf } from "./check.ts";
import { type Policy, sameLevel, showLevel } from "./policy.ts";
import { auditPrefix, Report } from "./report.ts";
import { showDetails, violations } from "./standards.ts";

/**
 * Throws a refusal of a pod that violates the enforced level, and reports violations of the others. False when the pod's runtime
 * class is exempt.
 */
export function checkPod(
  request: AdmissionRequest,
  policy: Policy,
  meters: PodSecurityMetrics,
  exempt: (spec: PodSpec) => boolean,
): boolean {
  const { enforce, warn, audit } = policy;
  const lax = enforce.level === "privileged" && warn.level === "privileged";
  if (lax && (audit.level === "privileged" || !request.audit)) {
    request.audit?.annotate(`${auditPrefix}enforce-policy`, showLevel(enforce));
    meters.unrestricted(request.operation, request.subresource);
    return true;
  }
  const pod = request.object as Pod;
  if (!pod.spec || (request.operation === "UPDATE" && !changesImages(pod, request.oldObject as Pod)))
    return true;
  if (exempt(pod.spec)) return false;
  const subject = subjectOf(pod.metadata, pod.spec);
  request.audit?.annotate(`${auditPrefix}enforce-policy`, showLevel(enforce));
  const report = new Report(meters, request, "pod");
  if (policy.errors.length > 0) report.unreadable();
  report.audited(audit, subject);
  const found = violations(enforce, subject);
  report.enforced(enforce, found);
  if (found.length > 0) {
    const why = `violates PodSecurity "${showLevel(enforce)}": ${showDetails(found)}`;
    throw forbidden(request.resource.def, request.name, why);
  }
  report.warned(warn, sameLevel(warn, enforce) ? found : violations(warn, subject));
  return true;
}

/** Few fields of a running pod can change; only new images and containers matter here. */
function changesImages({ spec }: Pod, old: Pod): boolean {
  for (const list of ["containers", "initContainers"] as const) {
    const now: readonly Container[] = spec?.[list] ?? [];
    const before: readonly Container[] = old.spec?.[list] ?? [];
    if (now.length !== before.length) return true;
    if (now.some((each, i) => each.image !== before[i]?.image)) return true;
  }
  return (spec?.ephemeralContainers ?? []).some((each) => {
    const before = old.spec?.ephemeralContainers?.find((one) => one.name === each.name);
    return !before || before.image !== each.image;
  });
}
