/** Warnings for valid but unusual Jobs. */
import { isChanged, nameWarnings, templateWarnings } from "../core/pod/warnings.ts";
import type { CronJob, Job, JobSpec } from "../generated/types.ts";

const manyCompletions = 100_000;
const manyAtOnce = 10_000;

function specWarnings(path: string, spec: JobSpec | undefined): string[] {
  const { completionMode, completions = 0, parallelism = 0, template } = spec ?? {};
  const large = completionMode === "Indexed" && completions > manyCompletions && parallelism > manyAtOnce;
  return [
    ...(large
      ? [
          `${path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
        ]
      : []),
    ...templateWarnings(`${path}.template`, template),
  ];
}

export function jobWarnings(job: Job, old?: Job): string[] {
  if (old && !isChanged(job, old)) return [];
  return [...(old ? [] : nameWarnings(job.metadata)), ...specWarnings("spec", job.spec)];
}

export function cronJobWarnings(job: CronJob, old?: CronJob): string[] {
  const path = "spec.jobTemplate.spec";
  const spec = job.spec?.jobTemplate.spec;
  if (!old) return [...nameWarnings(job.metadata), ...specWarnings(path, spec)];
  const zone = job.spec?.schedule.includes("TZ")
    ? [
        "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details",
      ]
    : [];
  return [...(isChanged(job, old) ? specWarnings(path, spec) : []), ...zone];
}
