import type { ContainerImage, Node, NodeCondition, NodeStatus } from "../../api/index.ts";
import { deepEqual, formatTime } from "../../machinery/index.ts";
import type { MachineFacts } from "./facts.ts";

export const kubeletVersion = "v1.36.3";

export interface NodeStatusInputs {
  machine: MachineFacts;
  addresses: { type: string; address: string }[];
  maxPods: number;
  /** Reserved for the system: cpu in milli-cores, memory in bytes. */
  reserved: { milliCpu: number; memoryBytes: number };
  ephemeralBytes: number;
  kubeletPort: number;
  runtime: { name: string; version: string; ready: boolean; networkReady: boolean; message: string };
  images: ContainerImage[];
  pressure: { memory: boolean; disk: boolean; pid: boolean };
  now: number;
  before: readonly NodeCondition[];
  simulated: boolean;
}

/** `status` of the node. Pure. */
export function nodeStatus(inputs: NodeStatusInputs): NodeStatus {
  const { machine, reserved } = inputs;
  const capacity: Record<string, string> = {
    cpu: String(machine.cpus),
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    pods: String(inputs.maxPods),
    "ephemeral-storage": `${Math.floor(inputs.ephemeralBytes / 1024)}Ki`,
    "hugepages-1Gi": "0",
    "hugepages-2Mi": "0",
  };
  const milliCpu = machine.cpus * 1000 - reserved.milliCpu;
  return {
    capacity,
    allocatable: {
      ...capacity,
      cpu: milliCpu % 1000 === 0 ? String(milliCpu / 1000) : `${milliCpu}m`,
      memory: `${Math.floor(Math.max(0, machine.memoryBytes - reserved.memoryBytes) / 1024)}Ki`,
    },
    addresses: inputs.addresses,
    conditions: conditions(inputs),
    daemonEndpoints: { kubeletEndpoint: { Port: inputs.kubeletPort } },
    nodeInfo: {
      machineID: machine.machineId,
      systemUUID: machine.systemUuid,
      bootID: machine.bootId,
      kernelVersion: machine.kernelVersion,
      osImage: inputs.simulated ? `${machine.osImage} (simulated node)` : machine.osImage,
      containerRuntimeVersion: `${inputs.runtime.name}://${inputs.runtime.version}`,
      kubeletVersion,
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture: machine.architecture,
    },
    images: inputs.images,
  };
}

function conditions(inputs: NodeStatusInputs): NodeCondition[] {
  const { runtime, pressure, now } = inputs;
  const ready = runtime.ready && runtime.networkReady;
  const list = [
    {
      type: "MemoryPressure",
      status: pressure.memory,
      reason: pressure.memory ? "KubeletHasInsufficientMemory" : "KubeletHasSufficientMemory",
      message: `kubelet has ${pressure.memory ? "insufficient" : "sufficient"} memory available`,
    },
    {
      type: "DiskPressure",
      status: pressure.disk,
      reason: pressure.disk ? "KubeletHasDiskPressure" : "KubeletHasNoDiskPressure",
      message: `kubelet has ${pressure.disk ? "" : "no "}disk pressure`,
    },
    {
      type: "PIDPressure",
      status: pressure.pid,
      reason: pressure.pid ? "KubeletHasInsufficientPID" : "KubeletHasSufficientPID",
      message: `kubelet has ${pressure.pid ? "insufficient" : "sufficient"} PID available`,
    },
    {
      type: "Ready",
      status: ready,
      reason: ready ? "KubeletReady" : "KubeletNotReady",
      message: ready
        ? inputs.simulated
          ? "kubelet is posting ready status (simulated: pods have no containers)"
          : "kubelet is posting ready status"
        : runtime.message,
    },
  ];
  return list.map(({ type, status, reason, message }) => {
    const text = status ? "True" : "False";
    const old = inputs.before.find((c) => c.type === type);
    return {
      type,
      status: text,
      lastHeartbeatTime: formatTime(now),
      lastTransitionTime:
        old?.status === text && old.lastTransitionTime ? old.lastTransitionTime : formatTime(now),
      reason,
      message,
    };
  });
}

/** Whether two statuses are equal except for heartbeats. */
export function sameNodeStatus(a: NodeStatus | undefined, b: NodeStatus): boolean {
  const plain = (status: NodeStatus | undefined): unknown => ({
    ...status,
    conditions: (status?.conditions ?? [])
      .filter((c) => b.conditions?.some((o) => o.type === c.type))
      .map((c) => [c.type, c.status, c.reason, c.message]),
    volumesInUse: undefined,
    volumesAttached: undefined,
    features: undefined,
    runtimeHandlers: undefined,
    config: undefined,
  });
  return deepEqual(plain(a), plain(b));
}

/** Labels of every node. */
export function nodeLabels(name: string, hostname: string, architecture: string): Record<string, string> {
  void name;
  return {
    "beta.kubernetes.io/arch": architecture,
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": architecture,
    "kubernetes.io/hostname": hostname,
    "kubernetes.io/os": "linux",
  };
}

export type { Node };
