import type { Job, JobStatus, Pod } from "../../api/index.ts";
import { isFinished, isLeaving } from "../pods/state.ts";
import { type FailureAction, judgeFailure } from "./failure-policy.ts";
import { formatIndexes, parseIndexes } from "./indexes.ts";
import { hasFailed, historyOf, type IndexHistory, indexOf, isIndexed, isTracked } from "./pods.ts";

export interface LastFailure {
  pod: Pod;
  /** With this failure in it. */
  history: IndexHistory;
}

/** What has happened to a Job's pods so far, and how its status must say so. */
export interface JobCount {
  succeeded: number;
  failed: number;
  completed: Set<number>;
  /** Indexes that failed too often; undefined when failures are not limited per index. */
  failedIndexes: Set<number> | undefined;
  /** Per index without a pod: what the next one must know. Kept on the failed pod itself until there is a next one. */
  last: Map<number, LastFailure>;
  /** Why the whole Job fails because of one pod. */
  failJob: string | undefined;
  /** Counters of the status, the counted pods out of `uncountedTerminatedPods` and new ones in. */
  status: Pick<
    JobStatus,
    "succeeded" | "failed" | "completedIndexes" | "failedIndexes" | "uncountedTerminatedPods"
  >;
  /** May lose their finalizer once `status` is written. */
  release: Pod[];
  /** Seen ended for the first time. */
  ended: Pod[];
}

/**
 * Counts every pod exactly once: first its UID is written into the status, then its finalizer goes, then its UID moves
 * into the counter. `tracked` tells whether the finalizer is still there. `settling`: pods that leave now leave because
 * the Job told them to (suspended, or successful), which is no failure.
 */
export function countPods(
  job: Job,
  pods: readonly Pod[],
  options: { tracked?: (pod: Pod) => boolean; settling: boolean; finishing: boolean },
): JobCount {
  const tracked = options.tracked ?? isTracked;
  const { spec, status: old } = job;
  const indexed = isIndexed(job);
  const limit = indexed ? (spec?.completions ?? 0) : 0;
  const perIndex = indexed ? spec?.backoffLimitPerIndex : undefined;
  const waiting = new Set(pods.filter(tracked).map((pod) => pod.metadata?.uid ?? ""));
  const before = old?.uncountedTerminatedPods;
  const stillFailed = (before?.failed ?? []).filter((uid) => waiting.has(uid));
  const stillSucceeded = (before?.succeeded ?? []).filter((uid) => waiting.has(uid));
  const failedDone = (old?.failed ?? 0) + (before?.failed ?? []).length - stillFailed.length;
  const succeededDone = (old?.succeeded ?? 0) + (before?.succeeded ?? []).length - stillSucceeded.length;
  const known = new Set([...stillFailed, ...stillSucceeded]);

  const completed = indexed ? parseIndexes(old?.completedIndexes, limit) : new Set<number>();
  const failedIndexes = perIndex === undefined ? undefined : parseIndexes(old?.failedIndexes, limit);
  const last = new Map<number, LastFailure>();
  const release: Pod[] = [];
  const ended: Pod[] = [];
  const failures: { pod: Pod; action: FailureAction }[] = [];
  let failJob: string | undefined;

  for (const pod of pods) {
    const uid = pod.metadata?.uid ?? "";
    const index = indexOf(pod);
    const valid = !indexed || (index >= 0 && index < limit);
    if (!tracked(pod)) continue;
    if (known.has(uid)) {
      release.push(pod);
    } else if (pod.status?.phase === "Succeeded") {
      ended.push(pod);
      release.push(pod);
      if (indexed && valid) completed.add(index);
      else if (!indexed) stillSucceeded.push(uid);
    } else if (options.settling && isLeaving(pod) && !isFinished(pod)) {
      release.push(pod);
    } else if (hasFailed(job, pod)) {
      ended.push(pod);
      const { action, message } = judgeFailure(job, pod);
      if (action === "FailJob") failJob ??= message;
      if (valid) failures.push({ pod, action });
      else release.push(pod);
    }
  }
  for (const { pod, action } of failures) {
    const index = indexOf(pod);
    if (failedIndexes && perIndex !== undefined) {
      const { failures: count, ignored } = historyOf(pod);
      const history =
        action === "Ignore" ? { failures: count, ignored: ignored + 1 } : { failures: count + 1, ignored };
      if (action === "FailIndex" || history.failures > perIndex) {
        if (!completed.has(index)) failedIndexes.add(index);
      }
      const other = last.get(index)?.history;
      if (!other || total(history) > total(other)) last.set(index, { pod, history });
    }
  }
  const active = new Set(pods.filter((pod) => !isFinished(pod) && !isLeaving(pod)).map(indexOf));
  for (const index of last.keys()) {
    const over = completed.has(index) || failedIndexes?.has(index) || active.has(index) || options.finishing;
    if (over) last.delete(index);
  }
  for (const { pod, action } of failures) {
    if (last.get(indexOf(pod))?.pod === pod) continue;
    release.push(pod);
    if (action !== "Ignore") stillFailed.push(pod.metadata?.uid ?? "");
  }
  const uncounted = {
    ...(stillSucceeded.length > 0 ? { succeeded: stillSucceeded } : {}),
    ...(stillFailed.length > 0 ? { failed: stillFailed } : {}),
  };
  return {
    succeeded: indexed ? completed.size : succeededDone + stillSucceeded.length,
    failed: failedDone + stillFailed.length,
    completed,
    failedIndexes,
    last,
    failJob,
    release,
    ended,
    status: {
      succeeded: indexed ? completed.size : succeededDone,
      failed: failedDone,
      ...(indexed && completed.size > 0 ? { completedIndexes: formatIndexes(completed) } : {}),
      ...(failedIndexes ? { failedIndexes: formatIndexes(failedIndexes) } : {}),
      uncountedTerminatedPods: uncounted,
    },
  };
}

const total = (history: IndexHistory): number => history.failures + history.ignored;
