import type { CronJob, Deployment, ObjectMeta, PodSpec, PodTemplate } from "../../../api/index.ts";
import type { PodSecurityMetrics } from "../../metrics/pod-security.ts";
import type { AdmissionRequest } from "../chain.ts";
import { subjectOf } from "./check.ts";
import type { Policy } from "./policy.ts";
import { Report } from "./report.ts";
import { violations } from "./standards.ts";

interface Template {
  metadata?: ObjectMeta;
  spec?: PodSpec;
}

const specTemplate = (object: unknown): Template | undefined => (object as Deployment).spec?.template;

/** How to get the pod template of an object, by `plural[.group]` of its kind. */
const templates: Readonly<Record<string, (object: unknown) => Template | undefined>> = {
  podtemplates: (object) => (object as PodTemplate).template,
  replicationcontrollers: specTemplate,
  "replicasets.apps": specTemplate,
  "deployments.apps": specTemplate,
  "statefulsets.apps": specTemplate,
  "daemonsets.apps": specTemplate,
  "jobs.batch": specTemplate,
  "cronjobs.batch": (object) => (object as CronJob).spec?.jobTemplate?.spec?.template,
};

/** `id`: `plural[.group]`. */
export const hasTemplate = (id: string): boolean => Object.hasOwn(templates, id);

/**
 * Reports violations in the pod template. Nothing is enforced: that is done when its pods are created. False when the template's
 * runtime class is exempt.
 */
export function checkTemplate(
  request: AdmissionRequest,
  id: string,
  policy: Policy,
  meters: PodSecurityMetrics,
  exempt: (spec: PodSpec | undefined) => boolean,
): boolean {
  const { warn, audit } = policy;
  const lax = warn.level === "privileged" && (audit.level === "privileged" || !request.audit);
  const template = lax ? undefined : templates[id]?.(request.object);
  if (!template) return true;
  if (exempt(template.spec)) return false;
  const subject = subjectOf(template.metadata, template.spec ?? ({} as PodSpec));
  const report = new Report(meters, request, "controller");
  if (policy.errors.length > 0) report.unreadable();
  report.warned(warn, violations(warn, subject));
  report.audited(audit, subject);
  return true;
}
