/**
 * Validation of Job statuses, which controllers other than the job controller may write (managedBy). Each rule applies only if
 * the update changes the value, so that existing errors do not block other changes.
 */
import { deepEqual, duplicate, invalid, invalidTogether, required } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { notNegative } from "../field-rules.ts";
import type { Job, JobStatus } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import { isFalse, isTrue } from "./conditions.ts";
import { countIndexes, sharedIndex } from "./indexes.ts";

/** The Job's conditions, and "finished" for either final one. */
class State {
  readonly complete: boolean;
  readonly failed: boolean;
  readonly failing: boolean;
  readonly met: boolean;
  readonly over: boolean;

  constructor({ conditions }: JobStatus) {
    this.complete = isTrue(conditions, "Complete");
    this.failed = isTrue(conditions, "Failed");
    this.failing = isTrue(conditions, "FailureTarget");
    this.met = isTrue(conditions, "SuccessCriteriaMet");
    this.over = this.complete || this.failed;
  }
}

/** A status update, with the fields it changes. */
class Change {
  readonly job: Job;
  readonly status: JobStatus;
  readonly before: JobStatus;
  readonly now: State;
  readonly was: State;
  readonly errors: FieldError[] = [];

  constructor(job: Job, old: Job) {
    this.job = job;
    this.status = job.status ?? {};
    this.before = old.status ?? {};
    this.now = new State(this.status);
    this.was = new State(this.before);
  }

  /** A status field; a missing number is 0 unless Go has a pointer. */
  changed(name: keyof JobStatus): boolean {
    const none = name === "active" ? 0 : name === "completedIndexes" ? "" : undefined;
    return !deepEqual(this.status[name] ?? none, this.before[name] ?? none);
  }

  turned(what: keyof State): boolean {
    return this.now[what] !== this.was[what];
  }

  conditions(detail: string): void {
    this.errors.push(invalidTogether("status.conditions", detail));
  }

  invalid(name: string, value: unknown, detail: string): void {
    this.errors.push(invalid(`status.${name}`, value ?? null, detail));
  }
}

const isIndexed = ({ spec }: Job): boolean => spec?.completionMode === "Indexed";

function validateCounts({ status, errors }: Change): void {
  for (const name of ["active", "succeeded", "failed", "ready", "terminating"] as const)
    notNegative(status[name], `status.${name}`, errors);
  const seen = new Set<string>();
  for (const list of ["succeeded", "failed"] as const) {
    for (const [i, uid] of (status.uncountedTerminatedPods?.[list] ?? []).entries()) {
      const path = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === "") errors.push(invalid(path, uid, "must not be empty"));
      else if (seen.has(uid)) errors.push(duplicate(path, uid));
      seen.add(uid);
    }
  }
}

/** Consistency of the conditions and their times. */
function validateEnd(change: Change): void {
  const { status, now, errors } = change;
  const { startTime, completionTime } = status;
  const ends = change.turned("complete") || change.changed("completionTime");
  if ((change.turned("complete") || change.turned("failed")) && now.complete && now.failed)
    change.conditions("cannot set Complete=True and Failed=true conditions");
  if ((change.turned("complete") || change.turned("failing")) && now.complete && now.failing)
    change.conditions("cannot set Complete=True and FailureTarget=true conditions");
  if (ends && completionTime && !now.complete) {
    const text = "cannot set completionTime when there is no Complete=True condition";
    change.invalid("completionTime", completionTime, text);
  }
  if (ends && !completionTime && now.complete)
    errors.push(required("status.completionTime", "completionTime is required for Complete jobs"));
  const timed = change.changed("startTime") || change.changed("completionTime");
  if (timed && startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime))
    change.invalid("completionTime", completionTime, "must be equal to or after `startTime`");
  if ((change.turned("failed") || change.changed("failedIndexes")) && now.failed && !now.failing)
    change.conditions("cannot set Failed=True condition without the FailureTarget=true condition");
  if ((change.turned("complete") || change.turned("met")) && now.complete && !now.met)
    change.conditions("cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
}

/** Fields that must be empty in a finished Job. */
function validateOver(change: Change): void {
  const { job, status, now, errors } = change;
  if (!now.over) return;
  const turned = change.turned("over");
  if ((turned || change.changed("active")) && (status.active ?? 0) > 0)
    change.invalid("active", status.active, "active>0 is invalid for finished job");
  const neverRuns = job.spec?.suspend === true && job.spec.completions === 0;
  if ((turned || change.changed("startTime")) && !neverRuns && !status.startTime)
    errors.push(required("status.startTime", "startTime is required for finished job"));
  const uncounted = status.uncountedTerminatedPods;
  const count = (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0);
  if ((turned || change.changed("uncountedTerminatedPods")) && uncounted && count > 0) {
    const shown = internalForm("batch.UncountedTerminatedPods", uncounted);
    change.invalid("uncountedTerminatedPods", shown, "must be empty for finished job");
  }
}

function validateIndexes(change: Change): void {
  const { job, status } = change;
  const { completedIndexes = "", failedIndexes } = status;
  const { completions, backoffLimitPerIndex } = job.spec ?? {};
  const completedChanged = change.changed("completedIndexes");
  const failedChanged = change.changed("failedIndexes");
  const check = (name: "completedIndexes" | "failedIndexes", text: string): void => {
    const { problem } = countIndexes(text, completions ?? 0);
    if (problem !== undefined) change.invalid(name, text, `error parsing ${name}: ${problem}`);
  };
  if (completedChanged && completions !== undefined) check("completedIndexes", completedIndexes);
  const limited = completions !== undefined && backoffLimitPerIndex !== undefined;
  if (failedChanged && limited && failedIndexes !== undefined) check("failedIndexes", failedIndexes);
  if (completedChanged && completedIndexes !== "" && !isIndexed(job)) {
    const text = "cannot set non-empty completedIndexes when non-indexed completion mode";
    change.invalid("completedIndexes", completedIndexes, text);
  }
  if (failedIndexes === undefined) return;
  if (failedChanged && backoffLimitPerIndex === undefined) {
    const text = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
    change.invalid("failedIndexes", failedIndexes, text);
  }
  if (!(failedChanged || completedChanged) || completions === undefined) return;
  const shared = sharedIndex(completedIndexes, failedIndexes, completions);
  if (shared !== undefined) {
    const text = `failedIndexes and completedIndexes overlap at index: ${shared}`;
    change.invalid("failedIndexes", failedIndexes, text);
  }
}

function validatePodsLeft(change: Change): void {
  const { job, status, now } = change;
  const { terminating = 0, ready = 0, active = 0 } = status;
  if ((change.turned("over") || change.changed("terminating")) && now.over && terminating > 0)
    change.invalid("terminating", terminating, "terminating>0 is invalid for finished job");
  if ((change.changed("ready") || change.changed("active")) && status.ready !== undefined && ready > active)
    change.invalid("ready", ready, "cannot set more ready pods than active");
  if (now.met && now.failed)
    change.conditions("cannot set SuccessCriteriaMet=True and Failed=true conditions");
  if (now.met && now.failing)
    change.conditions("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
  if (job.spec?.successPolicy && !now.met && now.complete) {
    change.conditions("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
  }
}

/** One-way transitions. */
function validateTransition(change: Change): void {
  const { job, status, before, now, was } = change;
  for (const [name, type] of [
    ["failed", "Failed"],
    ["complete", "Complete"],
    ["failing", "FailureTarget"],
  ] as const)
    if (was[name] && !now[name]) change.conditions(`cannot disable the terminal ${type}=True condition`);
  const lower = (name: "failed" | "succeeded"): void => {
    const value = status[name] ?? 0;
    if (value < (before[name] ?? 0)) change.invalid(name, value, `cannot decrease the ${name} counter`);
  };
  lower("failed");
  // An Indexed Job may be scaled down if completions equal parallelism.
  if (!isIndexed(job) || job.spec?.completions !== job.spec?.parallelism) lower("succeeded");
  if (status.completionTime && before.completionTime && change.changed("completionTime"))
    change.invalid("completionTime", status.completionTime, "field is immutable");
  const resumes = isTrue(before.conditions, "Suspended") && isFalse(status.conditions, "Suspended");
  if (change.changed("startTime") && !resumes && before.startTime && !job.spec?.suspend) {
    const text = "field is immutable for unsuspended job once set";
    change.invalid("startTime", status.startTime, text);
  }
  if (was.met && !now.met) change.conditions("cannot disable the SuccessCriteriaMet=True condition");
  if (was.complete && !was.met && now.met) {
    change.conditions("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
  }
}

export function validateJobStatus(job: Job, old: Job): FieldError[] {
  const change = new Change(job, old);
  validateCounts(change);
  validateEnd(change);
  validateOver(change);
  validateIndexes(change);
  validatePodsLeft(change);
  validateTransition(change);
  return change.errors;
}
