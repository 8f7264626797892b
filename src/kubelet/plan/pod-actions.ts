import type { Container, Pod } from "../../api/index.ts";
import type { ContainerStatus, PodSandboxStatus } from "../../cri/index.ts";
import {
  ephemeralContainers,
  initContainers,
  isHostNetwork,
  isSidecar,
  mainContainers,
} from "../pods/pod-key.ts";
import { type PodRuntime, runsOf, runtimeAnnotations } from "../pods/pod-runtime.ts";
import { containerHash } from "./container-hash.ts";
import { restartPolicyOf, shouldRestart } from "./restart-policy.ts";

/** Probe results of running containers, by container id. */
export interface ProbeVerdicts {
  /** The startup probe succeeded, or there is none. */
  started(containerId: string): boolean;
  livenessFailed(containerId: string): boolean;
  startupFailed(containerId: string): boolean;
}

export interface ContainerToKill {
  id: string;
  name: string;
  /** Kubernetes' message of the Killing event. */
  message: string;
  /** After a probe failure the probe's own grace period is used, if set. */
  probe?: "livenessProbe" | "startupProbe";
}

/** The actions that bring a pod closer to its spec. */
export interface PodActions {
  /** Stop everything including the sandbox: the sandbox has changed, or the pod has finished. */
  killPod: boolean;
  createSandbox: boolean;
  /** The current sandbox, if it is kept. */
  sandbox: PodSandboxStatus | undefined;
  /** Attempt number of the next sandbox. */
  attempt: number;
  initToStart: Container[];
  toStart: Container[];
  ephemeralToStart: Container[];
  toKill: ContainerToKill[];
}

/** Compares a pod with its running containers. Pure: the executor handles backoff, images and volumes. */
export function computePodActions(pod: Pod, runtime: PodRuntime, probes: ProbeVerdicts): PodActions {
  const { changed, attempt, sandbox } = judgeSandbox(pod, runtime);
  const actions: PodActions = {
    killPod: changed,
    createSandbox: changed,
    sandbox: changed ? undefined : sandbox,
    attempt,
    initToStart: [],
    toStart: [],
    ephemeralToStart: [],
    toKill: [],
  };
  if (changed) return planNewSandbox(pod, runtime, actions);

  const runs = (name: string): ContainerStatus | undefined => runsOf(runtime, name, sandbox?.id)[0];
  for (const container of ephemeralContainers(pod)) {
    // Ephemeral containers are never restarted.
    if (!runs(container.name)) actions.ephemeralToStart.push(container);
  }
  const init = planInitContainers(pod, runs, probes, actions);
  if (init === "waiting") return actions;
  if (init === "failed") return finished(actions);

  let alive = 0;
  for (const container of mainContainers(pod)) {
    const run = runs(container.name);
    if (run?.state !== "Running") {
      if (shouldRestart(pod, container, run)) actions.toStart.push(container);
      continue;
    }
    const kill = judgeRunning(container, run, probes);
    if (!kill) {
      alive++;
      continue;
    }
    actions.toKill.push(kill);
    // A changed image restarts the container whatever the policy; a failed probe follows the policy.
    if (!kill.probe || restartPolicyOf(pod, container) !== "Never") {
      if (kill.probe) kill.message += ", will be restarted";
      actions.toStart.push(container);
    }
  }
  const idle = alive === 0 && actions.toStart.length === 0 && actions.toKill.length === 0;
  if (idle) return finished(actions);
  return actions;
}

function finished(actions: PodActions): PodActions {
  return { ...actions, killPod: true, initToStart: [], toStart: [], ephemeralToStart: [], toKill: [] };
}

interface SandboxVerdict {
  changed: boolean;
  attempt: number;
  sandbox: PodSandboxStatus | undefined;
}

function judgeSandbox(pod: Pod, runtime: PodRuntime): SandboxVerdict {
  const newest = runtime.sandboxes[0];
  if (!newest) return { changed: true, attempt: 0, sandbox: undefined };
  const ready = runtime.sandboxes.filter((s) => s.state === "Ready");
  const attempt = newest.metadata.attempt + 1;
  if (ready.length !== 1 || newest.state !== "Ready") return { changed: true, attempt, sandbox: undefined };
  const onHost = newest.namespaceOptions.network === "NODE";
  if (onHost !== isHostNetwork(pod)) return { changed: true, attempt, sandbox: undefined };
  if (!onHost && newest.ips.length === 0) return { changed: true, attempt, sandbox: newest };
  return { changed: false, attempt: newest.metadata.attempt, sandbox: newest };
}

/** A pod without a usable sandbox starts from its first init container, unless it has already run. */
function planNewSandbox(pod: Pod, runtime: PodRuntime, actions: PodActions): PodActions {
  const main = mainContainers(pod);
  const ran = runtime.containers.length > 0;
  // With restart policy Never, a pod whose sandbox is gone has finished.
  if (actions.attempt > 0 && ran && main.every((c) => restartPolicyOf(pod, c) === "Never")) {
    return { ...actions, createSandbox: false };
  }
  const toStart = main.filter((container) => {
    const last = runsOf(runtime, container.name)[0];
    return !(
      restartPolicyOf(pod, container) !== "Always" &&
      last?.state === "Exited" &&
      !shouldRestart(pod, container, last)
    );
  });
  if (toStart.length === 0 && ran) return { ...actions, createSandbox: false };
  const firstInit = initContainers(pod)[0];
  if (firstInit) return { ...actions, initToStart: [firstInit] };
  return { ...actions, toStart };
}

/** Sequentially; a sidecar allows the next one once it has started. */
function planInitContainers(
  pod: Pod,
  runs: (name: string) => ContainerStatus | undefined,
  probes: ProbeVerdicts,
  actions: PodActions,
): "done" | "waiting" | "failed" {
  const list = initContainers(pod);
  const mainStarted = mainContainers(pod).some((c) => runs(c.name) !== undefined);
  let last = -1;
  for (const [index, container] of list.entries()) if (runs(container.name)) last = index;
  if (mainStarted) last = list.length;

  for (const container of list.slice(0, Math.max(0, last))) {
    if (isSidecar(container)) keepSidecar(container, runs(container.name), probes, actions);
  }
  if (mainStarted || list.length === 0) return "done";

  let next = 0;
  const container = list[last];
  if (container) {
    const run = runs(container.name);
    const outcome = isSidecar(container)
      ? keepSidecar(container, run, probes, actions)
      : judgeInit(pod, container, run, actions);
    if (outcome !== "done") return outcome;
    next = last + 1;
  }
  const following = list[next];
  if (!following) return "done";
  actions.initToStart.push(following);
  return "waiting";
}

function judgeInit(
  pod: Pod,
  container: Container,
  run: ContainerStatus | undefined,
  actions: PodActions,
): "done" | "waiting" | "failed" {
  if (run?.state === "Running") return "waiting";
  if (run?.state === "Exited") {
    if (run.exitCode === 0) return "done";
    // With policy Always an init container is restarted only after failures, as with OnFailure.
    if (!shouldRestart(pod, container, run)) return "failed";
  }
  actions.initToStart.push(container);
  return "waiting";
}

function keepSidecar(
  container: Container,
  run: ContainerStatus | undefined,
  probes: ProbeVerdicts,
  actions: PodActions,
): "done" | "waiting" {
  if (run?.state !== "Running") {
    actions.initToStart.push(container);
    return "waiting";
  }
  const kill = judgeRunning(container, run, probes);
  if (kill) {
    actions.toKill.push(kill);
    actions.initToStart.push(container);
    return "waiting";
  }
  return probes.started(run.id) ? "done" : "waiting";
}

function judgeRunning(
  container: Container,
  run: ContainerStatus,
  probes: ProbeVerdicts,
): ContainerToKill | undefined {
  const base = { id: run.id, name: container.name };
  const hash = run.annotations[runtimeAnnotations.containerHash];
  if (hash !== undefined && hash !== containerHash(container)) {
    return { ...base, message: `Container ${container.name} definition changed` };
  }
  if (probes.livenessFailed(run.id)) {
    return { ...base, message: `Container ${container.name} failed liveness probe`, probe: "livenessProbe" };
  }
  if (probes.startupFailed(run.id)) {
    return { ...base, message: `Container ${container.name} failed startup probe`, probe: "startupProbe" };
  }
  return undefined;
}
