import type { Container, Pod } from "../../api/index.ts";
import type { ContainerStatus, LinuxContainerResources } from "../../cri/index.ts";
import { milliValue, quantityValue } from "../../machinery/index.ts";
import { containerResources, podRequest } from "../containers/resources.ts";
import { initContainers, isSidecar, mainContainers } from "../pods/pod-key.ts";
import { type PodRuntime, runsOf } from "../pods/pod-runtime.ts";

export interface Resize {
  /** Running containers whose cgroup values change. */
  update: { run: ContainerStatus; resources: LinuxContainerResources }[];
  /** Containers to restart for it (resizePolicy RestartContainer). */
  restart: ContainerStatus[];
  /** The node lacks the resources: now (deferred), or in any case (infeasible). */
  refused: { reason: "Deferred" | "Infeasible"; message: string } | undefined;
}

/** The changes of running containers for a changed spec (in-place resize). Undefined: none. Pure. */
export function planResize(
  pod: Pod,
  runtime: PodRuntime,
  node: { memoryCapacity: number; allocatable: Readonly<Record<string, string>> },
  others: readonly Pod[],
): Resize | undefined {
  const resize: Resize = { update: [], restart: [], refused: undefined };
  for (const container of [...initContainers(pod).filter(isSidecar), ...mainContainers(pod)]) {
    const run = runsOf(runtime, container.name)[0];
    if (run?.state !== "Running" || !run.resources) continue;
    const wanted = limitsOf(containerResources(pod, container, node.memoryCapacity));
    const now = limitsOf(run.resources);
    const cpu = wanted.cpuShares !== now.cpuShares || wanted.cpuQuota !== now.cpuQuota;
    const memory = wanted.memoryLimitInBytes !== now.memoryLimitInBytes;
    if (!cpu && !memory) continue;
    if ((cpu && restarts(container, "cpu")) || (memory && restarts(container, "memory")))
      resize.restart.push(run);
    else resize.update.push({ run, resources: wanted });
  }
  if (resize.update.length + resize.restart.length === 0) return undefined;
  resize.refused = refusal(pod, node.allocatable, others);
  return resize;
}

/** The changeable values, with -1 for no limit. */
function limitsOf(resources: LinuxContainerResources): LinuxContainerResources {
  const quota = resources.cpuQuota ?? 0;
  const memory = resources.memoryLimitInBytes ?? 0;
  return {
    cpuShares: resources.cpuShares ?? 2,
    cpuPeriod: 100_000,
    cpuQuota: quota > 0 ? quota : -1,
    memoryLimitInBytes: memory > 0 ? memory : -1,
  };
}

function restarts(container: Container, resourceName: string): boolean {
  const policy = (container.resizePolicy ?? []).find((p) => p.resourceName === resourceName);
  return policy?.restartPolicy === "RestartContainer";
}

function refusal(
  pod: Pod,
  allocatable: Readonly<Record<string, string>>,
  others: readonly Pod[],
): Resize["refused"] {
  for (const resource of ["cpu", "memory"]) {
    const read = resource === "cpu" ? milliValue : quantityValue;
    const capacity = read(allocatable[resource] ?? "0");
    const requested = podRequest(pod, resource);
    const used = others.reduce((sum, other) => sum + podRequest(other, resource), 0);
    if (requested > capacity) {
      const message = `Node didn't have enough capacity: ${resource}, requested: ${requested}, capacity: ${capacity}`;
      return { reason: "Infeasible", message };
    }
    if (requested + used > capacity) {
      const message = `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
      return { reason: "Deferred", message };
    }
  }
  return undefined;
}
