import type { Job, JobStatus, Pod } from "../../api/index.ts";
import { isFinished, isLeaving } from "../pods/state.ts";
import { type FailureAction, judgeFailure } from "./failure-policy.ts";
import { formatIndexes, parseIndexes } from "./indexes.ts";
import { hasFailed, historyOf, type IndexHistory, indexOf, isIndexed, isTracked } from "./pods.ts";

export interface LastFailure {
  pod: Pod;
  /** Including this failure. */
  history: IndexHistory;
}

/** The results of a Job's pods so far, and its new status. */
export interface JobCount {
  succeeded: number;
  failed: number;
  completed: Set<number>;
  /** Indexes that exceeded their backoff limit; undefined without a limit per index. */
  failedIndexes: Set<number> | undefined;
  /** By index without a pod: data for its next pod. Kept on the failed pod until that is created. */
  last: Map<number, LastFailure>;
  /** Why one pod fails the whole Job. */
  failJob: string | undefined;
  /** Counters of the status, with counted pods removed from `uncountedTerminatedPods` and new ones added. */
  status: Pick<
    JobStatus,
    "succeeded" | "failed" | "completedIndexes" | "failedIndexes" | "uncountedTerminatedPods"
  >;
  /** May lose their finalizer after `status` is written. */
  release: Pod[];
  /** Pods that finished since the last sync. */
  ended: Pod[];
}

/**
 * Counts every pod exactly once: its UID is written into the status, then its finalizer is removed, then its UID moves into the
 * counter. `tracked` tells whether the finalizer still exists. `settling`: pods are being deleted by the Job (suspended, or
 * successful), which does not count as failure.
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
