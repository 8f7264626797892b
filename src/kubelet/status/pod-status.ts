import type { ContainerStatus, Pod, PodStatus } from "../../api/index.ts";
import { ephemeralContainers, initContainers, isHostNetwork, mainContainers } from "../pods/pod-key.ts";
import { type PodRuntime, readySandbox } from "../pods/pod-runtime.ts";
import { podConditions } from "./conditions.ts";
import { containerStatus, type StatusInputs } from "./container-state.ts";
import { podPhase } from "./pod-phase.ts";
import { qosClass } from "./qos.ts";

/** Why the kubelet itself ends or refuses a pod. */
export interface PodVerdict {
  phase: "Failed";
  reason: string;
  message: string;
}

export interface PodStatusInputs extends Omit<StatusInputs, "previous"> {
  now: number;
  /** RFC 3339; when the kubelet first took the pod up. */
  startTime: string;
  hostIps: readonly string[];
  /** Set when the kubelet itself ended the pod (DeadlineExceeded, Evicted) or refused it. */
  verdict: PodVerdict | undefined;
  /** The status as it stands at the API server. */
  before: PodStatus;
}

/** The whole `status` of a pod, from its spec and what the runtime says. Pure. */
export function podStatus(pod: Pod, runtime: PodRuntime, inputs: PodStatusInputs): PodStatus {
  const { before } = inputs;
  // A terminal phase is never left again.
  const final = before.phase === "Failed" || before.phase === "Succeeded" ? before.phase : undefined;
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
  const phase = inputs.verdict?.phase ?? final ?? podPhase(pod, init, main, inputs.over);
  const ips = podIps(pod, runtime, inputs);
  const status: PodStatus = {
    ...(pod.metadata?.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: podConditions(pod, {
      phase,
      init,
      main,
      sandboxReady: sandboxReady(pod, runtime),
      now: inputs.now,
      before: before.conditions ?? [],
    }),
    ...(inputs.verdict ? { reason: inputs.verdict.reason, message: inputs.verdict.message } : {}),
    ...(!inputs.verdict && final && before.reason ? { reason: before.reason } : {}),
    ...(!inputs.verdict && final && before.message ? { message: before.message } : {}),
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

function sandboxReady(pod: Pod, runtime: PodRuntime): boolean {
  const sandbox = readySandbox(runtime);
  return sandbox !== undefined && (isHostNetwork(pod) || sandbox.ips.length > 0);
}

/** The addresses stay in the status after the pod has ended. */
function podIps(pod: Pod, runtime: PodRuntime, inputs: PodStatusInputs): string[] {
  if (isHostNetwork(pod))
    return runtime.sandboxes.length > 0 || inputs.before.podIP ? [...inputs.hostIps] : [];
  const ips = (readySandbox(runtime) ?? runtime.sandboxes[0])?.ips ?? [];
  return ips.length > 0 ? [...ips] : (inputs.before.podIPs ?? []).map((p) => p.ip);
}
