import type { Job, JobStatus, Pod } from "../../api/index.ts";
import { deepEqual, formatTime } from "../../machinery/index.ts";
import { isActive, isFinished, isLeaving, isReady } from "../pods/state.ts";
import { countPods, type JobCount } from "./count.ts";
import { finishTime, type IndexHistory, indexOf, isIndexed } from "./pods.ts";
import { conditionOf, deadlineIn, decided, judge, type Verdict, withCondition } from "./verdict.ts";

/** Limit of pods created in one sync. */
const burst = 500;
const firstWaitMs = 10_000;
const longestWaitMs = 600_000;

export interface NewPod {
  /** For Indexed Jobs. */
  index?: number;
  history?: IndexHistory;
}

export interface JobPlan {
  count: JobCount;
  create: NewPod[];
  remove: Pod[];
  status: JobStatus;
  verdict: Verdict | undefined;
  /** Delay until the next sync, if time changes something. */
  nextMs: number | undefined;
}

export interface JobState {
  job: Job;
  /** The Job's own pods. */
  pods: readonly Pod[];
  /** Whether the finalizer still exists; the cache may not show its removal yet. */
  tracked?: (pod: Pod) => boolean;
  /** Backoff: no new pod before this time (epoch ms). */
  notBefore: number;
  now: number;
}

/** The backoff after this many consecutive failures. */
export const waitAfter = (failures: number): number =>
  failures <= 0 ? 0 : Math.min(firstWaitMs * 2 ** Math.min(failures - 1, 20), longestWaitMs);

export function planJob({ job, pods, tracked, notBefore, now }: JobState): JobPlan {
  const spec = job.spec;
  const suspended = spec?.suspend === true;
  const before = decided(job);
  const count = countPods(job, pods, {
    ...(tracked ? { tracked } : {}),
    settling: suspended || before?.type === "Complete",
    finishing: before !== undefined,
  });
  const active = pods.filter(isActive);
  const leaving = pods.filter((pod) => isLeaving(pod) && !isFinished(pod));
  const verdict = before ?? judge(job, count, active, now);
  const goes = job.metadata?.deletionTimestamp !== undefined;
  const waits: number[] = [];
  let create: NewPod[] = [];
  let remove: Pod[] = [];
  if (verdict || suspended) remove = active;
  else if (!goes) {
    const sized = size({ job, count, active, leaving, notBefore, now, waits });
    create = sized.create;
    remove = sized.remove;
  }
  const deadline = deadlineIn(job, now);
  if (deadline !== undefined && !verdict) waits.push(Math.max(1, deadline));
  const open = count.status.uncountedTerminatedPods;
  const quiet =
    active.length === 0 &&
    leaving.length === 0 &&
    count.release.length === 0 &&
    !open?.failed &&
    !open?.succeeded;
  return {
    count,
    create,
    remove,
    verdict,
    status: statusOf({ job, count, active, leaving, verdict, over: before !== undefined && quiet, now }),
    nextMs: waits.length > 0 ? Math.min(...waits) : undefined,
  };
}

interface Sizing {
  job: Job;
  count: JobCount;
  active: readonly Pod[];
  leaving: readonly Pod[];
  notBefore: number;
  now: number;
  /** Receives the delays until the next sync. */
  waits: number[];
}

function size({ job, count, active, leaving, notBefore, now, waits }: Sizing): {
  create: NewPod[];
  remove: Pod[];
} {
  const { completions, parallelism = 1, podReplacementPolicy } = job.spec ?? {};
  const indexed = isIndexed(job);
  const remove = indexed ? superfluous(active, completions ?? 0, count) : [];
  const kept = active.filter((pod) => !remove.includes(pod));
  let wanted: number;
  if (completions === undefined)
    wanted = count.succeeded > 0 ? Math.min(kept.length, parallelism) : parallelism;
  else wanted = Math.min(completions - count.succeeded - (count.failedIndexes?.size ?? 0), parallelism);
  wanted = Math.max(0, wanted);
  if (kept.length > wanted) {
    return { create: [], remove: [...remove, ...firstToGo(kept).slice(0, kept.length - wanted)] };
  }
  const held = podReplacementPolicy === "Failed" ? leaving : [];
  const missing = Math.min(wanted - kept.length - held.length, burst);
  if (missing <= 0) return { create: [], remove };
  if (now < notBefore && !count.failedIndexes) {
    waits.push(notBefore - now);
    return { create: [], remove };
  }
  if (!indexed) return { create: Array.from({ length: missing }, () => ({})), remove };
  const taken = new Set([...kept, ...held].map(indexOf));
  const create: NewPod[] = [];
  for (let index = 0; index < (completions ?? 0) && create.length < missing; index++) {
    if (taken.has(index) || count.completed.has(index) || count.failedIndexes?.has(index)) continue;
    if (!count.failedIndexes) {
      create.push({ index });
      continue;
    }
    const last = count.last.get(index);
    const history = last?.history ?? { failures: 0, ignored: 0 };
    const due = last ? finishTime(last.pod, now) + waitAfter(history.failures + history.ignored) : 0;
    if (now < due) waits.push(due - now);
    else create.push({ index, history });
  }
  return { create, remove };
}

/** Pods whose index is not wanted, and the younger of several with the same index. */
function superfluous(active: readonly Pod[], completions: number, count: JobCount): Pod[] {
  const seen = new Set<number>();
  const sorted = [...active].sort((a, b) => created(a) - created(b));
  return sorted.filter((pod) => {
    const index = indexOf(pod);
    const wanted =
      index >= 0 && index < completions && !count.completed.has(index) && !count.failedIndexes?.has(index);
    if (!wanted || seen.has(index)) return true;
    seen.add(index);
    return false;
  });
}

const created = (pod: Pod): number => Date.parse(pod.metadata?.creationTimestamp ?? "") || 0;

/** High indexes first, then pods not yet running, then the youngest. */
const firstToGo = (pods: readonly Pod[]): Pod[] =>
  [...pods].sort(
    (a, b) =>
      indexOf(b) - indexOf(a) ||
      Number(Boolean(a.spec?.nodeName)) - Number(Boolean(b.spec?.nodeName)) ||
      Number(isReady(a)) - Number(isReady(b)) ||
      created(b) - created(a),
  );

function statusOf(from: {
  job: Job;
  count: JobCount;
  active: readonly Pod[];
  leaving: readonly Pod[];
  verdict: Verdict | undefined;
  over: boolean;
  now: number;
}): JobStatus {
  const { job, count, active, leaving, verdict, over, now } = from;
  const old = job.status ?? {};
  const suspended = job.spec?.suspend === true;
  let conditions = [...(old.conditions ?? [])];
  let startTime = old.startTime;
  if (!verdict && suspended) {
    if (!conditionOf(job, "Suspended")) startTime = undefined;
    conditions = withCondition(
      conditions,
      { type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" },
      now,
    );
  } else if (!verdict && conditionOf(job, "Suspended")) {
    conditions = withCondition(
      conditions,
      { type: "Suspended", status: "False", reason: "JobResumed", message: "Job resumed" },
      now,
    );
    startTime = formatTime(now);
  }
  if (!suspended) startTime ??= formatTime(now);
  if (verdict) {
    const { type, reason, message } = verdict;
    const interim = type === "Failed" ? "FailureTarget" : "SuccessCriteriaMet";
    conditions = withCondition(conditions, { type: interim, status: "True", reason, message }, now);
    if (over) conditions = withCondition(conditions, { type, status: "True", reason, message }, now);
  }
  const { completedIndexes: _, failedIndexes: __, completionTime, ...kept } = old;
  return {
    ...kept,
    ...count.status,
    active: active.length,
    ready: active.filter(isReady).length,
    terminating: leaving.length,
    ...(startTime ? { startTime } : { startTime: undefined }),
    ...(completionTime
      ? { completionTime }
      : over && verdict?.type === "Complete"
        ? { completionTime: formatTime(now) }
        : {}),
    ...(conditions.length > 0 ? { conditions } : {}),
  };
}

/** Absent counters equal zero. */
export function sameJobStatus(a: JobStatus | undefined, b: JobStatus): boolean {
  const plain = (status: JobStatus | undefined): unknown => ({
    ...status,
    active: status?.active ?? 0,
    ready: status?.ready ?? 0,
    terminating: status?.terminating ?? 0,
    succeeded: status?.succeeded ?? 0,
    failed: status?.failed ?? 0,
    uncountedTerminatedPods: {
      failed: status?.uncountedTerminatedPods?.failed ?? [],
      succeeded: status?.uncountedTerminatedPods?.succeeded ?? [],
    },
    conditions: status?.conditions ?? [],
  });
  return deepEqual(JSON.parse(JSON.stringify(plain(a))), JSON.parse(JSON.stringify(plain(b))));
}
