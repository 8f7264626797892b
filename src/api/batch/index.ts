/** The kinds of the batch group. */
import { cronJobWarnings, jobWarnings } from "./warnings.ts";
import { humanDuration } from "../../machinery/index.ts";
import { ageColumn, ago, column, nameColumn, selectorText, workloadColumns } from "../columns.ts";
import type { KindDefinition, TableColumn } from "../definition.ts";
import { kindsOf } from "../define.ts";
import type { CronJob, Job } from "../generated/types.ts";
import { dropDisabledOfTemplate } from "../core/pod/dropped.ts";
import { isTrue } from "./conditions.ts";
import { validateCronJob, validateNewCronJob } from "./cronjob.ts";
import { defaultCronJob, defaultJob, prepareNewJob, showPodLabels } from "./defaults.ts";
import { validateJob, validateJobUpdate } from "./job.ts";
import { validateJobStatus } from "./job-status.ts";

const define = kindsOf("batch", "v1", "io.k8s.api.batch.v1");

/** Condition types in order of priority for STATUS; deletion is between Failed and Suspended. */
function jobStatus(job: Job): string {
  const has = (type: string): boolean => isTrue(job.status?.conditions, type);
  if (has("Complete")) return "Complete";
  if (has("Failed")) return "Failed";
  if (job.metadata?.deletionTimestamp) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find(has) ?? "Running";
}

function completions(job: Job): string {
  const done = job.status?.succeeded ?? 0;
  if (job.spec?.completions !== undefined) return `${done}/${job.spec.completions}`;
  const parallelism = job.spec?.parallelism ?? 0;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function jobDuration(job: Job, now: number): string {
  const { startTime, completionTime } = job.status ?? {};
  if (!startTime) return "";
  return humanDuration((completionTime ? Date.parse(completionTime) : now) - Date.parse(startTime));
}

const jobColumns: readonly TableColumn[] = [
  nameColumn,
  column<Job>("Status", "string", jobStatus),
  column<Job>("Completions", "string", completions),
  column<Job>("Duration", "string", jobDuration),
  ageColumn,
  ...workloadColumns<Job>(
    (job) => job.spec?.template.spec?.containers,
    (job) => selectorText(job.spec?.selector),
  ),
];

const cronJobColumns: readonly TableColumn[] = [
  nameColumn,
  column<CronJob>("Schedule", "string", (each) => each.spec?.schedule ?? ""),
  column<CronJob>("Timezone", "string", (each) => each.spec?.timeZone ?? "<none>"),
  column<CronJob>("Suspend", "boolean", (each) => (each.spec?.suspend ? "True" : "False")),
  column<CronJob>("Active", "integer", (each) => each.status?.active?.length ?? 0),
  column<CronJob>("Last Schedule", "string", (each, now) =>
    each.status?.lastScheduleTime ? ago(each.status.lastScheduleTime, now) : "<none>",
  ),
  ageColumn,
  ...workloadColumns<CronJob>(
    (each) => each.spec?.jobTemplate.spec?.template.spec?.containers,
    (each) => selectorText(each.spec?.jobTemplate.spec?.selector),
  ),
];

export const batchKinds: readonly KindDefinition[] = [
  define<Job>({
    kind: "Job",
    plural: "jobs",
    categories: ["all"],
    generation: true,
    status: true,
    columns: jobColumns,
    defaults: defaultJob,
    prepareForCreate: prepareNewJob,
    canonicalize: showPodLabels,
    prepareForUpdate: (job, old) => dropDisabledOfTemplate(job.spec?.template, old.spec?.template),
    onUpdate: ["metadata", "change"],
    validate: (job) => validateJob(job),
    warnings: jobWarnings,
    validateUpdate: validateJobUpdate,
    validateStatus: validateJobStatus,
    defaultPropagation: "Orphan",
    orphanWarning:
      "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning",
    selectableFields: { "status.successful": (job) => String(job.status?.succeeded ?? 0) },
  }),
  define<CronJob>({
    kind: "CronJob",
    plural: "cronjobs",
    shortNames: ["cj"],
    categories: ["all"],
    generation: true,
    status: true,
    columns: cronJobColumns,
    defaults: defaultCronJob,
    prepareForCreate: (each) => dropDisabledOfTemplate(each.spec?.jobTemplate.spec?.template),
    prepareForUpdate: (each, old) =>
      dropDisabledOfTemplate(each.spec?.jobTemplate.spec?.template, old.spec?.jobTemplate.spec?.template),
    onUpdate: ["metadataChange", "change"],
    onStatus: ["change"],
    validate: (each) => validateCronJob(each),
    validateCreate: validateNewCronJob,
    validateUpdate: validateCronJob,
    warnings: cronJobWarnings,
  }),
];
