/** Job and CronJob: defaults and rules. */
import { forbidden, invalid, notSupported, required } from "../../machinery/index.ts";
import { defaultPodTemplate } from "../core/pod/defaults.ts";
import { validatePodTemplate } from "../core/pod/spec.ts";
import type { FieldError } from "../definition.ts";
import type { CronJob, Job, JobSpec } from "../generated/types.ts";
import { immutable, validateLabelSelector } from "../metadata.ts";
import { domainPathProblems, notNegative } from "../field-rules.ts";

/** Labels by which a Job knows its pods; the second spelling is the older one, still written beside. */
const jobLabels = ["batch.kubernetes.io/controller-uid", "controller-uid"] as const;
const nameLabels = ["batch.kubernetes.io/job-name", "job-name"] as const;

function defaultJobSpec(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2147483647;
  spec.completionMode ??= "NonIndexed";
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? "Failed" : "TerminatingOrFailed";
  spec.manualSelector ??= false;
  defaultPodTemplate(spec.template);
}

export function defaultJob(job: Job): void {
  job.spec ??= { template: {} };
  job.spec.template ??= {};
  defaultJobSpec(job.spec);
  const labels = job.spec.template?.metadata?.labels;
  if (labels && job.metadata && Object.keys(job.metadata.labels ?? {}).length === 0)
    job.metadata.labels = { ...labels };
}

/** Unless the user chose a selector, the Job's own uid is what selects its pods. */
export function prepareNewJob(job: Job): void {
  const { spec, metadata } = job;
  if (!spec || spec.manualSelector || !metadata?.uid) return;
  spec.template.metadata ??= {};
  const labels = (spec.template.metadata.labels ??= {});
  for (const name of jobLabels) labels[name] = metadata.uid;
  for (const name of nameLabels) labels[name] = metadata.name ?? "";
  // One that has none shows those of its pods.
  if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  spec.selector = { matchLabels: { ...spec.selector?.matchLabels, [jobLabels[0]]: metadata.uid } };
}

function validateJobSpec(spec: JobSpec, path: string, errors: FieldError[]): void {
  for (const name of [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
  ] as const) {
    notNegative(spec[name], `${path}.${name}`, errors);
  }
  const modes = ["NonIndexed", "Indexed"];
  if (spec.completionMode !== undefined && !modes.includes(spec.completionMode)) {
    errors.push(notSupported(`${path}.completionMode`, spec.completionMode, modes));
  }
  if (spec.managedBy !== undefined) errors.push(...domainPathProblems(`${path}.managedBy`, spec.managedBy));
  const failed = spec.maxFailedIndexes;
  if (failed !== undefined && spec.completions !== undefined && failed > spec.completions) {
    errors.push(invalid(`${path}.maxFailedIndexes`, failed, "must be less than or equal to completions"));
  }
  if (spec.completionMode === "Indexed" && spec.completions === undefined) {
    errors.push(required(`${path}.completions`, "when completion mode is Indexed"));
  }
  const replacements = ["Failed", "TerminatingOrFailed"];
  const replacement = spec.podReplacementPolicy;
  if (replacement !== undefined && !replacements.includes(replacement))
    errors.push(notSupported(`${path}.podReplacementPolicy`, replacement, replacements));
  const template = `${path}.template`;
  validatePodTemplate(spec.template ?? {}, template, errors);
  const policy = spec.template?.spec?.restartPolicy;
  if (policy === undefined || policy === "Always") {
    errors.push(required(`${template}.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  } else if (policy !== "OnFailure" && policy !== "Never") {
    errors.push(notSupported(`${template}.spec.restartPolicy`, policy, ["OnFailure", "Never"]));
  } else if (spec.podFailurePolicy && policy !== "Never") {
    errors.push(
      invalid(
        `${template}.spec.restartPolicy`,
        policy,
        'only "Never" is supported when podFailurePolicy is specified',
      ),
    );
  }
}

export function validateJob(job: Job): FieldError[] {
  const errors: FieldError[] = [];
  const spec = job.spec ?? { template: {} };
  if (spec.selector) validateLabelSelector(spec.selector, "spec.selector", errors);
  else if (spec.manualSelector) errors.push(required("spec.selector"));
  validateJobSpec(spec, "spec", errors);
  return errors;
}

export function validateJobUpdate(job: Job, old: Job): FieldError[] {
  const errors: FieldError[] = [];
  const spec = job.spec;
  const before = old.spec;
  if (!spec || !before) return errors;
  // Elastic indexed Jobs change both counts together.
  const elastic = spec.completionMode === "Indexed" && spec.completions === spec.parallelism;
  if (!elastic) immutable("spec.completions", spec.completions, before.completions, errors);
  immutable("spec.selector", spec.selector, before.selector, errors);
  immutable("spec.completionMode", spec.completionMode, before.completionMode, errors);
  immutable("spec.podFailurePolicy", spec.podFailurePolicy, before.podFailurePolicy, errors);
  immutable("spec.backoffLimitPerIndex", spec.backoffLimitPerIndex, before.backoffLimitPerIndex, errors);
  immutable("spec.managedBy", spec.managedBy, before.managedBy, errors);
  immutable("spec.successPolicy", spec.successPolicy, before.successPolicy, errors);
  // Before a suspended Job ran for the first time, where its pods go may still be set.
  if (!(before.suspend && !old.status?.startTime))
    immutable("spec.template", spec.template, before.template, errors);
  return errors;
}

export function defaultCronJob(each: CronJob): void {
  const spec = (each.spec ??= { schedule: "", jobTemplate: {} });
  const template = (spec.jobTemplate ??= {});
  template.spec ??= { template: {} };
  template.spec.template ??= {};
  spec.concurrencyPolicy ||= "Allow";
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  spec.jobTemplate.metadata ??= {};
  // A template keeps what the Job made of it would get by itself.
  defaultPodTemplate(template.spec.template);
}

const scheduleField =
  /^(\*|\?|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(\/\d+)?(,(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(\/\d+)?)*$/;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name }).format(0);
    return true;
  } catch {
    return false;
  }
}

export function validateCronJob(each: CronJob): FieldError[] {
  const errors: FieldError[] = [];
  const spec = each.spec;
  if (!spec) return [required("spec.schedule")];
  const name = each.metadata?.name ?? "";
  if (name.length > 52) errors.push(invalid("metadata.name", name, "must be no more than 52 characters"));
  if (!spec.schedule) errors.push(required("spec.schedule"));
  else if (/TZ=/.test(spec.schedule)) {
    errors.push(
      invalid(
        "spec.schedule",
        spec.schedule,
        "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
      ),
    );
  } else if (!/^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)$/.test(spec.schedule)) {
    const fields = spec.schedule.trim().split(/\s+/);
    if (fields.length !== 5) {
      errors.push(
        invalid(
          "spec.schedule",
          spec.schedule,
          `expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`,
        ),
      );
    } else if (!fields.every((field) => scheduleField.test(field))) {
      errors.push(invalid("spec.schedule", spec.schedule, "failed to parse int from schedule"));
    }
  }
  notNegative(spec.startingDeadlineSeconds, "spec.startingDeadlineSeconds", errors);
  if (spec.timeZone !== undefined) {
    const known =
      spec.timeZone === "" || spec.timeZone.toLowerCase() === "local" || isTimeZone(spec.timeZone);
    if (!known) errors.push(invalid("spec.timeZone", spec.timeZone, `unknown time zone ${spec.timeZone}`));
    if (spec.timeZone === "")
      errors.push(invalid("spec.timeZone", "", "timeZone must be nil or non-empty string"));
    else if (spec.timeZone.toLowerCase() === "local") {
      errors.push(
        invalid(
          "spec.timeZone",
          spec.timeZone,
          "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
        ),
      );
    }
  }
  const policies = ["Allow", "Forbid", "Replace"];
  if (!policies.includes(spec.concurrencyPolicy ?? "")) {
    errors.push(notSupported("spec.concurrencyPolicy", spec.concurrencyPolicy ?? "", policies));
  }
  const job = spec.jobTemplate?.spec;
  if (job?.manualSelector)
    errors.push(notSupported("spec.jobTemplate.spec.manualSelector", true, ["nil", "false"]));
  if (job?.selector) {
    errors.push(forbidden("spec.jobTemplate.spec.selector", "`selector` will be auto-generated"));
  }
  if (job) validateJobSpec(job, "spec.jobTemplate.spec", errors);
  for (const field of ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] as const)
    notNegative(spec[field], `spec.${field}`, errors);
  return errors;
}
