import type { Job, JobCondition, Pod } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import type { JobCount } from "./count.ts";
import { parseIndexes } from "./indexes.ts";
import { isIndexed, restartsOf } from "./pods.ts";

/** The result of a Job. */
export interface Verdict {
  type: "Complete" | "Failed";
  reason: string;
  message: string;
}

export function conditionOf(job: Job, type: string): JobCondition | undefined {
  return job.status?.conditions?.find((each) => each.type === type && each.status === "True");
}

export const isOver = (job: Job): boolean =>
  conditionOf(job, "Complete") !== undefined || conditionOf(job, "Failed") !== undefined;

/** An earlier decision, which stays while pods still terminate. */
export function decided(job: Job): Verdict | undefined {
  for (const [interim, type] of [
    ["FailureTarget", "Failed"],
    ["SuccessCriteriaMet", "Complete"],
  ] as const) {
    const found = conditionOf(job, interim);
    if (found) return { type, reason: found.reason ?? "", message: found.message ?? "" };
  }
  return undefined;
}

/** Milliseconds until `activeDeadlineSeconds` expires; undefined without one or while suspended. */
export function deadlineIn(job: Job, now: number): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds;
  const start = job.status?.startTime;
  if (seconds === undefined || !start || job.spec?.suspend) return undefined;
  return Math.max(0, Date.parse(start) + seconds * 1000 - now);
}

/** Whether the Job has finished, by the results of its pods. `active`: running and pending pods. */
export function judge(job: Job, count: JobCount, active: readonly Pod[], now: number): Verdict | undefined {
  const spec = job.spec;
  const failed = (reason: string, message: string): Verdict => ({ type: "Failed", reason, message });
  if (count.failJob !== undefined) return failed("PodFailurePolicy", count.failJob);
  const limit = spec?.backoffLimit ?? 6;
  if (count.failed > limit || restartsExceed(job, active, limit)) {
    return failed("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  }
  if (deadlineIn(job, now) === 0) {
    return failed("DeadlineExceeded", "Job was active longer than specified deadline");
  }
  const { failedIndexes } = count;
  const completions = spec?.completions;
  if (failedIndexes && failedIndexes.size > 0) {
    if (spec?.maxFailedIndexes !== undefined && failedIndexes.size > spec.maxFailedIndexes) {
      return failed(
        "MaxFailedIndexesExceeded",
        "Job has exceeded the specified maximal number of failed indexes",
      );
    }
    if (completions !== undefined && count.completed.size + failedIndexes.size >= completions) {
      return failed("FailedIndexes", "Job has failed indexes");
    }
  }
  const rule = successRule(job, count);
  if (rule >= 0) {
    return { type: "Complete", reason: "SuccessPolicy", message: `Matched rules at index ${rule}` };
  }
  const reached =
    completions === undefined ? count.succeeded > 0 && active.length === 0 : count.succeeded >= completions;
  return reached
    ? {
        type: "Complete",
        reason: "CompletionsReached",
        message: "Reached expected number of succeeded pods",
      }
    : undefined;
}

/** For pods that restart in place. */
function restartsExceed(job: Job, active: readonly Pod[], limit: number): boolean {
  if (job.spec?.template?.spec?.restartPolicy !== "OnFailure") return false;
  const restarts = active.reduce((sum, pod) => sum + restartsOf(pod), 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** The first rule of the successPolicy that is met, or -1. */
function successRule(job: Job, { completed }: JobCount): number {
  if (!isIndexed(job)) return -1;
  return (job.spec?.successPolicy?.rules ?? []).findIndex((rule) => {
    if (rule.succeededIndexes === undefined) return completed.size >= (rule.succeededCount ?? Infinity);
    const wanted = [...parseIndexes(rule.succeededIndexes, job.spec?.completions)];
    const met = wanted.filter((index) => completed.has(index)).length;
    return met >= (rule.succeededCount ?? wanted.length);
  });
}

/** The conditions with `type` set; its transition time changes with its status. */
export function withCondition(
  conditions: readonly JobCondition[],
  next: Pick<JobCondition, "type" | "status" | "reason" | "message">,
  now: number,
): JobCondition[] {
  const known = conditions.find((each) => each.type === next.type);
  if (known?.status === next.status) return [...conditions];
  const time = formatTime(now);
  const made: JobCondition = { ...next, lastProbeTime: time, lastTransitionTime: time };
  return known ? conditions.map((each) => (each === known ? made : each)) : [...conditions, made];
}
