/** Defaults of Jobs and CronJobs. */
import { defaultPodTemplate } from "../core/pod/defaults.ts";
import { dropDisabledOfTemplate } from "../core/pod/dropped.ts";
import type { CronJob, Job, JobSpec } from "../generated/types.ts";
import { jobLabels, nameLabels } from "./labels.ts";

const noLimit = 2147483647;

function defaultFailurePolicy({ podFailurePolicy }: JobSpec): void {
  for (const rule of podFailurePolicy?.rules ?? [])
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= "True";
}

export function defaultJob(job: Job): void {
  const spec = (job.spec ??= { template: {} });
  spec.template ??= {};
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : noLimit;
  spec.completionMode ??= "NonIndexed";
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? "Failed" : "TerminatingOrFailed";
  spec.manualSelector ??= false;
  defaultFailurePolicy(spec);
  defaultPodTemplate(spec.template);
  // The same object, not a copy: `prepareNewJob` adds labels to the pods' and to these.
  showPodLabels(job);
}

/** A CronJob's template has the same defaults as a Job. */
export function defaultCronJob(each: CronJob): void {
  const spec = (each.spec ??= { schedule: "", jobTemplate: {} });
  const job = ((spec.jobTemplate ??= {}).spec ??= { template: {} });
  spec.jobTemplate.metadata ??= {};
  job.template ??= {};
  spec.concurrencyPolicy ||= "Allow";
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  defaultFailurePolicy(job);
  defaultPodTemplate(job.template);
}

/** A Job without labels gets those of its pods, including the generated ones. */
export function showPodLabels({ metadata, spec }: Job): void {
  const labels = spec?.template.metadata?.labels;
  if (labels && metadata && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = labels;
}

/** Unless the selector is manual, the Job's UID selects its pods. */
export function prepareNewJob(job: Job): void {
  const { spec, metadata } = job;
  dropDisabledOfTemplate(spec?.template);
  if (!spec || spec.manualSelector || !metadata?.uid) return;
  spec.template.metadata ??= {};
  const labels = (spec.template.metadata.labels ??= {});
  // Invalid values of the user are reported by validation.
  for (const name of jobLabels) labels[name] ??= metadata.uid;
  for (const name of nameLabels) labels[name] ??= metadata.name ?? "";
  const selected = ((spec.selector ??= {}).matchLabels ??= {});
  selected[jobLabels[0]] ??= metadata.uid;
}
