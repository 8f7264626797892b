import type { ContainerStatus, Pod, PodStatus } from "../../api/index.ts";
import { ephemeralContainers, initContainers, isHostNetwork, mainContainers } from "../pods/pod-key.ts";
import { type PodRuntime, readySandbox } from "../pods/pod-runtime.ts";
import { podConditions } from "./conditions.ts";
import { containerStatus, type StatusInputs } from "./container-state.ts";
import { type PodPhase, podPhase } from "./pod-phase.ts";
import { qosClass } from "./qos.ts";

/** Why the kubelet itself ends or rejects a pod. */
export interface PodVerdict {
  phase: "Failed";
  reason: string;
  message: string;
}

export interface PodStatusInputs extends Omit<StatusInputs, "previous"> {
  now: number;
  /** RFC 3339; when the kubelet first saw the pod. */
  startTime: string;
  hostIps: readonly string[];
  /** Set when the kubelet ended the pod (DeadlineExceeded, Evicted) or rejected it. */
  verdict: PodVerdict | undefined;
  /** Why the containers do not have the resources of the spec. */
  resizeRefused: { reason: string; message: string } | undefined;
  /** The status at the API server. */
  before: PodStatus;
}

/** The complete `status` of a pod, from its spec and the runtime's state. Pure. */
export function podStatus(pod: Pod, runtime: PodRuntime, inputs: PodStatusInputs): PodStatus {
  const { before } = inputs;
  // A terminal phase is final.
  const final = isFinal(before.phase) ? before.phase : undefined;
  const statuses = (role: "init" | "main" | "ephemeral"): ContainerStatus[] => {
    const [containers, old] =
      role === "init"
        ? [initContainers(pod), before.initContainerStatuses]
        : role === "main"
          ? [mainContainers(pod), before.containerStatuses]
          : [ephemeralContainers(pod), before.ephemeralContainerStatuses];
    return containers.map((container) =>
      containerStatus(pod, container, role, runtime, {
        ...inputs,
        over: inputs.over || final !== undefined,
        previous: (name) => old?.find((s) => s.name === name),
      }),
    );
  };
  const init = statuses("init");
  const main = statuses("main");
  const ephemeral = statuses("ephemeral");
  const judged = inputs.verdict?.phase ?? final ?? podPhase(pod, init, main, inputs.over);
  // A pod is not finished while any container runs (sidecars, terminating ones): Jobs rely on it.
  const ending = !final && isFinal(judged) && runtime.containers.some((c) => c.state === "Running");
  const phase = ending ? ((before.phase ?? "Pending") as PodPhase) : judged;
  const verdict = ending ? undefined : inputs.verdict;
  const ips = podIps(pod, runtime, inputs);
  const status: PodStatus = {
    ...(pod.metadata?.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: podConditions(pod, {
      phase: judged,
      init,
      main,
      sandboxReady: sandboxReady(pod, runtime),
      now: inputs.now,
      resizeRefused: inputs.resizeRefused,
      before: before.conditions ?? [],
    }),
    ...(verdict ? { reason: verdict.reason, message: verdict.message } : {}),
    ...(!verdict && final && before.reason ? { reason: before.reason } : {}),
    ...(!verdict && final && before.message ? { message: before.message } : {}),
    qosClass: before.qosClass ?? qosClass(pod),
    startTime: before.startTime ?? inputs.startTime,
  };
  const hostIp = inputs.hostIps[0];
  if (hostIp) {
    status.hostIP = hostIp;
    status.hostIPs = inputs.hostIps.map((ip) => ({ ip }));
  }
  if (ips[0]) {
    status.podIP = ips[0];
    status.podIPs = ips.map((ip) => ({ ip }));
  }
  if (init.length > 0) status.initContainerStatuses = init;
  status.containerStatuses = main;
  if (ephemeral.length > 0) status.ephemeralContainerStatuses = ephemeral;
  return status;
}

function isFinal(phase: string | undefined): phase is "Failed" | "Succeeded" {
  return phase === "Failed" || phase === "Succeeded";
}

function sandboxReady(pod: Pod, runtime: PodRuntime): boolean {
  const sandbox = readySandbox(runtime);
  return sandbox !== undefined && (isHostNetwork(pod) || sandbox.ips.length > 0);
}

/** The addresses stay in the status after the pod has finished. */
function podIps(pod: Pod, runtime: PodRuntime, inputs: PodStatusInputs): string[] {
  if (isHostNetwork(pod))
    return runtime.sandboxes.length > 0 || inputs.before.podIP ? [...inputs.hostIps] : [];
  const ips = (readySandbox(runtime) ?? runtime.sandboxes[0])?.ips ?? [];
  return ips.length > 0 ? [...ips] : (inputs.before.podIPs ?? []).map((p) => p.ip);
}
