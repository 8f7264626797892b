import type { Container, Pod } from "../../api/index.ts";
import type { LinuxContainerResources } from "../../cri/index.ts";
import { milliValue, quantityValue } from "../../machinery/index.ts";
import { initContainers, isSidecar, mainContainers, podUid } from "../pods/pod-key.ts";
import { qosClass } from "../status/qos.ts";

const cpuPeriod = 100_000;

/** A container's cgroup values. `memoryCapacity` is the node's, in bytes, to scale the OOM score. */
export function containerResources(
  pod: Pod,
  container: Container,
  memoryCapacity: number,
): LinuxContainerResources {
  const { requests, limits } = container.resources ?? {};
  const out: LinuxContainerResources = {
    cpuShares: cpuShares(milli(requests?.["cpu"] ?? limits?.["cpu"])),
    oomScoreAdj: oomScoreAdj(pod, container, memoryCapacity),
  };
  const cpu = milli(limits?.["cpu"]);
  if (cpu > 0) {
    out.cpuPeriod = cpuPeriod;
    out.cpuQuota = cpuQuota(cpu);
  }
  const memory = bytes(limits?.["memory"]);
  if (memory > 0) out.memoryLimitInBytes = memory;
  return out;
}

/** A pod's cgroup values: it has a limit only when all its containers have one. */
export function podResources(pod: Pod): LinuxContainerResources {
  const own = pod.spec?.resources;
  const request = own?.requests?.["cpu"] ? milli(own.requests["cpu"]) : podRequest(pod, "cpu");
  const out: LinuxContainerResources = { cpuShares: cpuShares(request) };
  const cpu = own?.limits?.["cpu"] ? milli(own.limits["cpu"]) : podLimit(pod, "cpu");
  if (cpu !== undefined && cpu > 0) {
    out.cpuPeriod = cpuPeriod;
    out.cpuQuota = cpuQuota(cpu);
  }
  const memory = own?.limits?.["memory"] ? bytes(own.limits["memory"]) : podLimit(pod, "memory");
  if (memory !== undefined && memory > 0) out.memoryLimitInBytes = memory;
  return out;
}

/** `kubepods[/burstable|/besteffort]/pod<uid>`, below the cluster's root cgroup. */
export function podCgroup(pod: Pod): string {
  const qos = qosClass(pod);
  const middle = qos === "Guaranteed" ? "" : `${qos.toLowerCase()}/`;
  return `kubepods/${middle}pod${podUid(pod)}`;
}

/**
 * A pod's request in milli-cores or bytes: the sum of its containers, or the maximum of its init containers if that is more.
 */
export function podRequest(pod: Pod, resource: "cpu" | "memory" | string): number {
  const read = resource === "cpu" ? milli : bytes;
  const of = (c: Container): number =>
    read(c.resources?.requests?.[resource] ?? c.resources?.limits?.[resource]);
  let sidecars = 0;
  let peak = 0;
  for (const container of initContainers(pod)) {
    if (isSidecar(container)) sidecars += of(container);
    peak = Math.max(peak, sidecars + (isSidecar(container) ? 0 : of(container)));
  }
  const main = mainContainers(pod).reduce((sum, c) => sum + of(c), 0);
  const total = Math.max(peak, main + sidecars);
  return total + read(pod.spec?.overhead?.[resource]);
}

function podLimit(pod: Pod, resource: "cpu" | "memory"): number | undefined {
  const read = resource === "cpu" ? milli : bytes;
  let sum = 0;
  let peak = 0;
  for (const container of [...initContainers(pod), ...mainContainers(pod)]) {
    const limit = read(container.resources?.limits?.[resource]);
    if (limit === 0) return undefined;
    if (initContainers(pod).includes(container) && !isSidecar(container)) peak = Math.max(peak, sum + limit);
    else sum += limit;
  }
  return Math.max(sum, peak) + read(pod.spec?.overhead?.[resource]);
}

function cpuShares(milliCpu: number): number {
  return milliCpu === 0 ? 2 : Math.min(262_144, Math.max(2, Math.floor((milliCpu * 1024) / 1000)));
}

function cpuQuota(milliCpu: number): number {
  return Math.max(1000, Math.floor((milliCpu * cpuPeriod) / 1000));
}

/** Guaranteed pods are killed last, best-effort ones first; of others, those with smaller memory requests first. */
function oomScoreAdj(pod: Pod, container: Container, memoryCapacity: number): number {
  if (pod.spec?.priorityClassName === "system-node-critical") return -997;
  switch (qosClass(pod)) {
    case "Guaranteed":
      return -997;
    case "BestEffort":
      return 1000;
    case "Burstable": {
      const request = bytes(
        container.resources?.requests?.["memory"] ?? container.resources?.limits?.["memory"],
      );
      const score = 1000 - Math.floor((1000 * request) / Math.max(1, memoryCapacity));
      return Math.min(999, Math.max(3, score));
    }
  }
}

function milli(value: string | undefined): number {
  return value === undefined ? 0 : milliValue(value);
}

function bytes(value: string | undefined): number {
  return value === undefined ? 0 : quantityValue(value);
}
