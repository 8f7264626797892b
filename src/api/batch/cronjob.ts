/** Validation of CronJobs. */
import {
  invalid,
  intlZone,
  notSupported,
  parseSchedule,
  required,
  ScheduleError,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { notNegative } from "../field-rules.ts";
import type { CronJob, CronJobSpec } from "../generated/types.ts";
import { publishedForm } from "../internal-form.ts";
import { validateJobSpec } from "./job-spec.ts";

/** Job names are the CronJob's name with the scheduled time as suffix. */
const maxNameLength = 52;

function validateSchedule(spec: CronJobSpec, old: CronJobSpec | undefined, errors: FieldError[]): void {
  const { schedule, timeZone } = spec;
  const path = "spec.schedule";
  if (!schedule) {
    errors.push(required(path));
    return;
  }
  try {
    parseSchedule(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    errors.push(invalid(path, schedule, error.message));
  }
  if (!schedule.includes("TZ")) return;
  if (!old?.schedule.includes("TZ")) {
    const text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
    errors.push(invalid(path, schedule, text));
  } else if (timeZone !== undefined)
    errors.push(invalid(path, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule"));
}

const zonePart = /^[A-Za-z.\-_0-9+]{1,14}$/;

function validateZone(zone: string | undefined, errors: FieldError[]): void {
  if (zone === undefined) return;
  const wrong = (text: string): number => errors.push(invalid("spec.timeZone", zone, text));
  if (zone === "") {
    wrong("timeZone must be nil or non-empty string");
    return;
  }
  const unknown = `unknown time zone ${zone}`;
  const parts = zone.split("/");
  if (parts.some((part) => part === "." || part === ".." || part.startsWith("-") || !zonePart.test(part))) {
    wrong(unknown);
    return;
  }
  if (zone.toLowerCase() === "local")
    wrong("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
  if (zone.includes("..")) wrong("time: invalid location name");
  else if (zone !== "Local" && intlZone(zone) === undefined) wrong(unknown);
}

/** `old`: at an update. */
export function validateCronJob(each: CronJob, old?: CronJob): FieldError[] {
  const errors: FieldError[] = [];
  const spec = each.spec ?? { schedule: "", jobTemplate: {} };
  validateSchedule(spec, old?.spec, errors);
  notNegative(spec.startingDeadlineSeconds, "spec.startingDeadlineSeconds", errors);
  if (!old || old.spec?.timeZone !== spec.timeZone) validateZone(spec.timeZone, errors);
  const policies = ["Allow", "Forbid", "Replace"];
  const policy = spec.concurrencyPolicy ?? "";
  const policyPath = "spec.concurrencyPolicy";
  if (policy === "") errors.push(required(policyPath));
  else if (!policies.includes(policy)) errors.push(notSupported(policyPath, policy, policies));
  const path = "spec.jobTemplate.spec";
  const job = spec.jobTemplate?.spec ?? { template: {} };
  validateJobSpec(job, path, errors, old?.spec?.jobTemplate.spec?.template);
  if (job.selector) {
    const shown = publishedForm("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector", job.selector);
    errors.push(invalid(`${path}.selector`, shown, "`selector` will be auto-generated"));
  }
  if (job.manualSelector) errors.push(notSupported(`${path}.manualSelector`, true, ["nil", "false"]));
  for (const field of ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] as const)
    notNegative(spec[field], `spec.${field}`, errors);
  return errors;
}

export function validateNewCronJob(each: CronJob): FieldError[] {
  const name = each.metadata?.name ?? "";
  if (name.length <= maxNameLength) return [];
  return [invalid("metadata.name", name, "must be no more than 52 characters")];
}
