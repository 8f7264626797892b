import { matchesNodeSelector, type Pod } from "../../api/index.ts";
import { milliValue, quantityValue } from "../../machinery/index.ts";
import { podRequest } from "../containers/resources.ts";
import type { PodVerdict } from "../status/pod-status.ts";

export interface AdmissionNode {
  labels: Readonly<Record<string, string>>;
  name: string;
  allocatable: Readonly<Record<string, string>>;
}

/**
 * The node's own check of a pod bound to it, since the binding may be based on older state (two pods at once, a pod with a
 * nodeName set by the user). Undefined: admitted. `others` are the pods that use resources of the node.
 */
export function admitPod(pod: Pod, node: AdmissionNode, others: readonly Pod[]): PodVerdict | undefined {
  const os = pod.spec?.os?.name;
  if (os && os !== "linux") {
    return verdict("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS");
  }
  if (!matchesNode(pod, node)) {
    return verdict(
      "NodeAffinity",
      "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    );
  }
  if (portsConflict(pod, others)) {
    return verdict(
      "NodePorts",
      "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    );
  }
  const allowed = quantityValue(node.allocatable["pods"] ?? "110");
  if (others.length + 1 > allowed) return lacking("pods", 1, others.length, allowed);
  for (const resource of ["cpu", "memory"]) {
    const requested = podRequest(pod, resource);
    if (requested === 0) continue;
    const used = others.reduce((sum, p) => sum + podRequest(p, resource), 0);
    const read = resource === "cpu" ? milliValue : quantityValue;
    const capacity = read(node.allocatable[resource] ?? "0");
    if (used + requested > capacity) return lacking(resource, requested, used, capacity);
  }
  return undefined;
}

function lacking(resource: string, requested: number, used: number, capacity: number): PodVerdict {
  return verdict(
    `OutOf${resource}`,
    `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  );
}

function verdict(reason: string, detail: string): PodVerdict {
  return { phase: "Failed", reason, message: `Pod was rejected: ${detail}` };
}

function portsConflict(pod: Pod, others: readonly Pod[]): boolean {
  const taken = others.flatMap(hostPorts);
  return hostPorts(pod).some((port) =>
    taken.some(
      (other) =>
        other.port === port.port &&
        other.protocol === port.protocol &&
        (other.ip === port.ip || other.ip === "0.0.0.0" || port.ip === "0.0.0.0"),
    ),
  );
}

function hostPorts(pod: Pod): { ip: string; port: number; protocol: string }[] {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return containers.flatMap((container) =>
    (container.ports ?? [])
      .filter((p) => p.hostPort)
      .map((p) => ({ ip: p.hostIP || "0.0.0.0", port: p.hostPort ?? 0, protocol: p.protocol ?? "TCP" })),
  );
}

function matchesNode(pod: Pod, node: AdmissionNode): boolean {
  for (const [key, value] of Object.entries(pod.spec?.nodeSelector ?? {})) {
    if (node.labels[key] !== value) return false;
  }
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || matchesNodeSelector(required, node);
}
