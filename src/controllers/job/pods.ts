import type { Container, Job, Pod } from "../../api/index.ts";
import { podFromTemplate } from "../pods/from-template.ts";
import { isFinished, isLeaving } from "../pods/state.ts";

/** The finalizer of pods that are not yet counted in the Job's status. */
export const trackingFinalizer = "batch.kubernetes.io/job-tracking";
const indexName = "batch.kubernetes.io/job-completion-index";
const failuresName = "batch.kubernetes.io/job-index-failure-count";
const ignoredName = "batch.kubernetes.io/job-index-ignored-failure-count";

export const isIndexed = (job: Job): boolean => job.spec?.completionMode === "Indexed";

export const isTracked = (pod: Pod): boolean =>
  pod.metadata?.finalizers?.includes(trackingFinalizer) ?? false;

/** -1 without one. */
export function indexOf(pod: Pod): number {
  const text = pod.metadata?.annotations?.[indexName];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : -1;
}

/** Failures of the same index before this pod. */
export interface IndexHistory {
  failures: number;
  ignored: number;
}

export function historyOf(pod: Pod): IndexHistory {
  const { annotations } = pod.metadata ?? {};
  const count = (name: string): number => Number(annotations?.[name] ?? 0) || 0;
  return { failures: count(failuresName), ignored: count(ignoredName) };
}

/** A terminating pod counts as failed at once, unless the replacement policy is Failed. */
export function hasFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === "Failed") return true;
  if (!isLeaving(pod) || isFinished(pod)) return false;
  return job.spec?.podReplacementPolicy !== "Failed" || !pod.spec?.nodeName;
}

/** Epoch milliseconds. */
export function finishTime(pod: Pod, now: number): number {
  let last = 0;
  for (const status of pod.status?.containerStatuses ?? []) {
    last = Math.max(last, Date.parse(status.state?.terminated?.finishedAt ?? "") || 0);
  }
  return last || Date.parse(pod.metadata?.deletionTimestamp ?? "") || now;
}

/** Container restarts, for Jobs whose pods restart in place. */
export function restartsOf(pod: Pod): number {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses].reduce((sum, each) => sum + each.restartCount, 0);
}

/** `index`: of an Indexed Job. `history` is recorded when failures are limited per index. */
export function podOfJob(job: Job, index: number | undefined, history: IndexHistory | undefined): Pod {
  const template = job.spec?.template ?? {};
  const pod = podFromTemplate(template, job, "batch/v1", "Job");
  const metadata = (pod.metadata ??= {});
  metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), trackingFinalizer])];
  if (index === undefined) return pod;
  const name = job.metadata?.name ?? "";
  metadata.generateName = `${name.slice(0, 52)}-${index}-`;
  metadata.labels = { ...metadata.labels, [indexName]: String(index) };
  metadata.annotations = { ...metadata.annotations, [indexName]: String(index) };
  if (history) {
    metadata.annotations[failuresName] = String(history.failures);
    if (history.ignored > 0) metadata.annotations[ignoredName] = String(history.ignored);
  }
  if (!pod.spec) return pod;
  pod.spec.hostname = `${name}-${index}`;
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) addIndex(container);
  return pod;
}

function addIndex(container: Container): void {
  if (container.env?.some((each) => each.name === "JOB_COMPLETION_INDEX")) return;
  container.env = [
    ...(container.env ?? []),
    {
      name: "JOB_COMPLETION_INDEX",
      valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexName}']` } },
    },
  ];
}
