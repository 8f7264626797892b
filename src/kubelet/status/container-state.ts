import type { ContainerState, ContainerStatus as ApiContainerStatus, Pod } from "../../api/index.ts";
import type { ContainerStatus } from "../../cri/index.ts";
import { shouldRestart } from "../plan/restart-policy.ts";
import type { AnyContainer, ContainerRole } from "../pods/pod-key.ts";
import { initContainers, isSidecar } from "../pods/pod-key.ts";
import { type PodRuntime, runsOf, timeFromNanos } from "../pods/pod-runtime.ts";

/** Why a container waits: `reason` is shown by `kubectl get pods`. */
export interface WaitingReason {
  reason: string;
  message?: string;
}

/** State that the kubelet has beside the runtime's. */
export interface StatusInputs {
  runtimeName: string;
  /** By container name. */
  waiting: ReadonlyMap<string, WaitingReason>;
  /** By container id. */
  isReady(containerId: string): boolean;
  isStarted(containerId: string): boolean;
  /** By container id; read once when it has ended. */
  terminationMessage(containerId: string): string;
  /** Final states of containers that the runtime no longer has. */
  previous(name: string): ApiContainerStatus | undefined;
  /** Nothing will be started any more. */
  over: boolean;
  /** The node lacks the resources of the new spec: those reported before still apply. */
  resizeRefused: unknown;
}

/** An entry of `status.containerStatuses`. */
export function containerStatus(
  pod: Pod,
  container: AnyContainer,
  role: ContainerRole,
  runtime: PodRuntime,
  inputs: StatusInputs,
): ApiContainerStatus {
  const runs = runsOf(runtime, container.name);
  const newest = runs[0];
  const waiting = inputs.waiting.get(container.name);
  if (!newest) {
    const previous = inputs.previous(container.name);
    if (inputs.over && previous?.containerID) return lastKnown(previous);
    return notYet(pod, container, role, waiting, previous);
  }

  const state = stateOf(newest, inputs);
  const status: ApiContainerStatus = {
    name: container.name,
    state,
    lastState: {},
    ready: false,
    restartCount: newest.metadata.attempt,
    image: newest.image || container.image || "",
    imageID: newest.imageRef,
    containerID: `${inputs.runtimeName}://${newest.id}`,
    started: false,
  };
  const before = runs.slice(1).find((r) => r.state === "Exited");
  if (before) status.lastState = stateOf(before, inputs);
  else {
    const last = inputs.previous(container.name);
    // The runtime keeps a limited number of dead containers; older reported states stay valid.
    if (last?.lastState?.terminated && last.restartCount === status.restartCount) {
      status.lastState = last.lastState;
    }
  }
  if (newest.state === "Running") {
    status.started = inputs.isStarted(newest.id);
    // A terminating init container is complete only if it succeeded.
    status.ready = (role !== "init" || isSidecar(container)) && inputs.isReady(newest.id);
    const last = inputs.resizeRefused ? inputs.previous(container.name) : undefined;
    const requests = last ? last.allocatedResources : container.resources?.requests;
    if (requests) status.allocatedResources = requests;
    status.resources = (last ? last.resources : container.resources) ?? {};
    if (newest.user) {
      const groups = newest.user.supplementalGroups;
      status.user = {
        linux: {
          uid: newest.user.uid,
          gid: newest.user.gid,
          ...(groups.length > 0 ? { supplementalGroups: groups } : {}),
        },
      };
    }
  } else if (role === "init" && !isSidecar(container)) {
    status.ready = newest.state === "Exited" && newest.exitCode === 0;
  }
  // Only containers to be restarted are waiting; others show how they ended.
  if (waiting && newest.state !== "Running" && shouldRestart(pod, container, newest)) {
    if (newest.state === "Exited") status.lastState = state;
    status.state = { waiting: { ...waiting } };
    status.ready = false;
  }
  const mounts = volumeMounts(container);
  if (mounts) status.volumeMounts = mounts;
  return status;
}

function notYet(
  pod: Pod,
  container: AnyContainer,
  role: ContainerRole,
  waiting: WaitingReason | undefined,
  previous: ApiContainerStatus | undefined,
): ApiContainerStatus {
  const initializing = initContainers(pod).length > 0 && role !== "ephemeral";
  const status: ApiContainerStatus = {
    name: container.name,
    state: {
      waiting: { ...(waiting ?? { reason: initializing ? "PodInitializing" : "ContainerCreating" }) },
    },
    lastState: {},
    ready: false,
    restartCount: 0,
    image: container.image ?? "",
    imageID: "",
    started: false,
  };
  if (previous?.containerID) {
    const ended = previous.state?.terminated;
    status.restartCount = previous.restartCount;
    status.containerID = previous.containerID;
    status.imageID = previous.imageID;
    if (ended && role !== "main") {
      // A finished init container is removed while its pod runs: keep its result.
      status.state = { terminated: ended };
      status.ready = previous.ready;
    } else {
      status.lastState = { terminated: ended ?? lost(previous) };
    }
  }
  const mounts = volumeMounts(container);
  if (mounts) status.volumeMounts = mounts;
  return status;
}

/** For a finished pod the last written states are kept; those reported as running have ended since. */
function lastKnown(previous: ApiContainerStatus): ApiContainerStatus {
  if (previous.state?.terminated) return previous;
  return { ...previous, ready: false, started: false, state: { terminated: lost(previous) } };
}

/** Kubernetes' message for a container that is gone without a record. */
function lost(previous: ApiContainerStatus): NonNullable<ContainerState["terminated"]> {
  return {
    exitCode: 137,
    reason: "ContainerStatusUnknown",
    message: "The container could not be located when the pod was deleted.  The container used to be Running",
    containerID: previous.containerID ?? "",
  };
}

function stateOf(run: ContainerStatus, inputs: StatusInputs): ContainerState {
  switch (run.state) {
    case "Running":
      return { running: { startedAt: timeFromNanos(run.startedAt) } };
    case "Exited": {
      const message = inputs.terminationMessage(run.id) || run.message;
      return {
        terminated: {
          exitCode: run.exitCode,
          reason: run.reason || (run.exitCode === 0 ? "Completed" : "Error"),
          ...(message ? { message } : {}),
          startedAt: timeFromNanos(run.startedAt),
          finishedAt: timeFromNanos(run.finishedAt),
          containerID: `${inputs.runtimeName}://${run.id}`,
        },
      };
    }
    default:
      return { waiting: { reason: "ContainerCreating" } };
  }
}

function volumeMounts(container: AnyContainer): ApiContainerStatus["volumeMounts"] {
  if (!container.volumeMounts?.length) return undefined;
  return container.volumeMounts.map((m) => ({
    name: m.name,
    mountPath: m.mountPath,
    ...(m.readOnly ? { readOnly: true, recursiveReadOnly: m.recursiveReadOnly ?? "Disabled" } : {}),
  }));
}
