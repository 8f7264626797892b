import type { ContainerStatus, Pod } from "../../api/index.ts";
import { initContainers, isSidecar, mainContainers } from "../pods/pod-key.ts";

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

/**
 * Computes the phase from the container statuses (pod lifecycle, "Pod phase"). `over`: nothing will be started any more, since
 * the pod was deleted or killed.
 */
export function podPhase(
  pod: Pod,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
  over: boolean,
): PodPhase {
  const policy = pod.spec?.restartPolicy ?? "Always";
  let pendingInit = 0;
  let failedInit = 0;
  for (const container of initContainers(pod)) {
    const status = init.find((s) => s.name === container.name);
    const verdict = initVerdict(status, isSidecar(container), over);
    if (verdict === "pending") pendingInit++;
    if (verdict === "failed") failedInit++;
  }
  if (failedInit > 0 && policy === "Never") return "Failed";

  const count = { running: 0, waiting: 0, stopped: 0, succeeded: 0, unknown: 0 };
  for (const container of mainContainers(pod)) {
    const status = main.find((s) => s.name === container.name);
    const state = status?.state;
    if (state?.running) count.running++;
    else if (state?.terminated) {
      count.stopped++;
      if (state.terminated.exitCode === 0) count.succeeded++;
    } else if (status?.lastState?.terminated) {
      count.stopped++;
      if (over && status.lastState.terminated.exitCode === 0) count.succeeded++;
    } else if (status) count.waiting++;
    else count.unknown++;
  }
  const started = count.running > 0 || count.stopped > 0;
  if (over && count.running === 0) {
    // A container that never ran did not succeed.
    if (count.stopped + count.waiting + count.unknown === 0) return "Succeeded";
    return count.succeeded === mainContainers(pod).length ? "Succeeded" : "Failed";
  }
  if (pendingInit > 0 && !started) return "Pending";
  if (failedInit > 0 && !started) return "Pending";
  if (count.waiting > 0) return "Pending";
  if (count.unknown > 0) return "Pending";
  if (count.running > 0) return "Running";
  if (count.stopped > 0) {
    if (policy === "Always") return "Running";
    if (count.stopped === count.succeeded) return "Succeeded";
    return policy === "Never" ? "Failed" : "Running";
  }
  return "Pending";
}

function initVerdict(
  status: ContainerStatus | undefined,
  sidecar: boolean,
  over: boolean,
): "done" | "pending" | "failed" {
  if (!status) return "pending";
  if (sidecar) {
    // Failed sidecars never fail a pod.
    return status.started || over || status.lastState?.terminated ? "done" : "pending";
  }
  const state = status.state;
  if (state?.terminated) return state.terminated.exitCode === 0 ? "done" : "failed";
  if (state?.waiting && status.lastState?.terminated && status.lastState.terminated.exitCode !== 0) {
    return "failed";
  }
  return "pending";
}
