import { formatTime } from "../../machinery/index.ts";
import type { ContainerStatus, Pod, PodCondition } from "../../api/index.ts";
import { initContainers, isSidecar, mainContainers } from "../pods/pod-key.ts";
import type { PodPhase } from "./pod-phase.ts";

interface Verdict {
  type: string;
  status: "True" | "False";
  reason?: string;
  message?: string;
}

export interface ConditionInputs {
  phase: PodPhase;
  init: readonly ContainerStatus[];
  main: readonly ContainerStatus[];
  /** The sandbox exists and its network is up. */
  sandboxReady: boolean;
  now: number;
  resizeRefused?: { reason: string; message: string } | undefined;
  /** The previous status: transition times of unchanged conditions are kept. */
  before: readonly PodCondition[];
}

/** The conditions that the kubelet owns: five always, one while a resize waits. Others are not changed. */
export function podConditions(pod: Pod, inputs: ConditionInputs): PodCondition[] {
  const containersReady = judgeContainersReady(pod, inputs);
  const verdicts: Verdict[] = [
    { type: "PodReadyToStartContainers", status: inputs.sandboxReady ? "True" : "False" },
    judgeInitialized(pod, inputs),
    judgeReady(pod, containersReady, inputs.before),
    containersReady,
    { type: "PodScheduled", status: "True" },
  ];
  if (inputs.resizeRefused)
    verdicts.push({ type: "PodResizePending", status: "True", ...inputs.resizeRefused });
  return verdicts.map((verdict) => {
    const old = inputs.before.find((c) => c.type === verdict.type);
    const same = old?.status === verdict.status && old.lastTransitionTime;
    return {
      type: verdict.type,
      ...(pod.metadata?.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
      status: verdict.status,
      lastProbeTime: null as unknown as undefined,
      lastTransitionTime: same ? old.lastTransitionTime : formatTime(inputs.now),
      ...(verdict.reason ? { reason: verdict.reason } : {}),
      ...(verdict.message ? { message: verdict.message } : {}),
    } as PodCondition;
  });
}

function judgeInitialized(pod: Pod, { phase, init, main }: ConditionInputs): Verdict {
  const type = "Initialized";
  if (phase === "Succeeded") return { type, status: "True", reason: "PodCompleted" };
  if (main.some((s) => s.state?.running || s.state?.terminated || s.lastState?.terminated)) {
    return { type, status: "True" };
  }
  const incomplete = initContainers(pod).filter((container) => {
    const status = init.find((s) => s.name === container.name);
    return isSidecar(container) ? !status?.started : !status?.ready;
  });
  if (incomplete.length === 0) return { type, status: "True" };
  return {
    type,
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: ${names(incomplete)}`,
  };
}

function judgeContainersReady(pod: Pod, { phase, init, main }: ConditionInputs): Verdict {
  const type = "ContainersReady";
  if (phase === "Succeeded") return { type, status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { type, status: "False", reason: "PodFailed" };
  const unready = [
    ...initContainers(pod)
      .filter(isSidecar)
      .filter((c) => !init.find((s) => s.name === c.name)?.ready),
    ...mainContainers(pod).filter((c) => !main.find((s) => s.name === c.name)?.ready),
  ];
  if (unready.length === 0) return { type, status: "True" };
  return {
    type,
    status: "False",
    reason: "ContainersNotReady",
    message: `containers with unready status: ${names(unready)}`,
  };
}

function judgeReady(pod: Pod, containersReady: Verdict, before: readonly PodCondition[]): Verdict {
  if (containersReady.status === "False") return { ...containersReady, type: "Ready" };
  const missing: string[] = [];
  for (const { conditionType } of pod.spec?.readinessGates ?? []) {
    const found = before.find((c) => c.type === conditionType);
    if (!found)
      missing.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    else if (found.status !== "True") {
      missing.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`);
    }
  }
  if (missing.length === 0) return { type: "Ready", status: "True" };
  return {
    type: "Ready",
    status: "False",
    reason: "ReadinessGatesNotReady",
    message: missing.join("; "),
  };
}

/** `[a b]`, a list as Go prints it. */
function names(containers: { name: string }[]): string {
  return `[${containers.map((c) => c.name).join(" ")}]`;
}
