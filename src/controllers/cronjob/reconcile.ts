import type { CronJob, Job } from "../../api/index.ts";
import { parseSchedule } from "../../machinery/index.ts";
import { conditionOf, isOver } from "../job/verdict.ts";
import { latestTime, nextTime } from "./schedule.ts";

export interface CronPlan {
  /** The scheduled time to start (epoch ms); undefined: nothing is due. */
  start: number | undefined;
  /** Jobs to delete first. */
  replace: Job[];
  /** Finished Jobs beyond the limit. */
  remove: Job[];
  active: Job[];
  lastSuccessful: string | undefined;
  /** An event. */
  note: { type: "Normal" | "Warning"; reason: string; message: string } | undefined;
  nextMs: number | undefined;
}

/** In the list of active Jobs. Jobs that users created from its template are its own, too, but do not count as active. */
export const isActive = (cron: CronJob, job: Job): boolean =>
  cron.status?.active?.some((each) => each.uid === job.metadata?.uid) ?? false;

/** `jobs`: its own. */
export function planCronJob(cron: CronJob, jobs: readonly Job[], now: number): CronPlan {
  const spec = cron.spec;
  const active = jobs.filter((job) => isActive(cron, job) && !isOver(job));
  const plan: CronPlan = {
    start: undefined,
    replace: [],
    remove: [
      ...surplus(jobs, "Complete", spec?.successfulJobsHistoryLimit),
      ...surplus(jobs, "Failed", spec?.failedJobsHistoryLimit),
    ],
    active,
    lastSuccessful: lastSuccess(cron, jobs),
    note: undefined,
    nextMs: undefined,
  };
  if (!spec || cron.metadata?.deletionTimestamp || spec.suspend) return plan;
  const zone = spec.timeZone ?? "UTC";
  let due: number | undefined;
  const since = Date.parse(cron.status?.lastScheduleTime ?? cron.metadata?.creationTimestamp ?? "") || now;
  try {
    const schedule = parseSchedule(spec.schedule);
    const next = nextTime(schedule, now, zone);
    if (next === undefined) {
      plan.note = {
        type: "Warning",
        reason: "InvalidSchedule",
        message: `invalid schedule: ${spec.schedule} : time difference between two schedules is less than 1 second`,
      };
      return plan;
    }
    plan.nextMs = next - now;
    due = latestTime(schedule, since, now, zone);
  } catch (error) {
    plan.note = {
      type: "Warning",
      reason: "UnparseableSchedule",
      message: `unparseable schedule: ${spec.schedule} (${zone}): ${(error as Error).message}`,
    };
    return plan;
  }
  if (due === undefined) return plan;
  const deadline = spec.startingDeadlineSeconds;
  if (deadline !== undefined && due + deadline * 1000 < now) {
    const at = new Date(due).toUTCString();
    plan.note = {
      type: "Warning",
      reason: "MissSchedule",
      message: `Missed scheduled time to start a job: ${at}`,
    };
    return plan;
  }
  if (spec.concurrencyPolicy === "Forbid" && active.length > 0) {
    plan.note = {
      type: "Normal",
      reason: "JobAlreadyActive",
      message: "Not starting job because prior execution is running and concurrency policy is Forbid",
    };
    return plan;
  }
  if (spec.concurrencyPolicy === "Replace") plan.replace = active;
  plan.start = due;
  return plan;
}

function surplus(jobs: readonly Job[], type: "Complete" | "Failed", limit: number | undefined): Job[] {
  if (limit === undefined) return [];
  const ended = jobs.filter((job) => conditionOf(job, type) && !job.metadata?.deletionTimestamp);
  const started = (job: Job): number =>
    Date.parse(job.status?.startTime ?? job.metadata?.creationTimestamp ?? "") || 0;
  ended.sort((a, b) => started(a) - started(b));
  return ended.slice(0, Math.max(0, ended.length - limit));
}

function lastSuccess(cron: CronJob, jobs: readonly Job[]): string | undefined {
  let last = cron.status?.lastSuccessfulTime;
  for (const job of jobs) {
    const time = conditionOf(job, "Complete") ? job.status?.completionTime : undefined;
    if (time && (!last || Date.parse(time) > Date.parse(last))) last = time;
  }
  return last;
}
