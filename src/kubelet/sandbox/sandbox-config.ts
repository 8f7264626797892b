import type { Pod } from "../../api/index.ts";
import type { PodSandboxConfig, PortMapping } from "../../cri/index.ts";
import { podCgroup, podResources } from "../containers/resources.ts";
import { sandboxSecurityContext } from "../containers/security.ts";
import { isHostNetwork, podName, podNamespace, podUid } from "../pods/pod-key.ts";
import { runtimeAnnotations, runtimeLabels } from "../pods/pod-runtime.ts";
import type { DnsSettings } from "./dns.ts";

export interface SandboxConfigInputs {
  pod: Pod;
  attempt: number;
  hostname: string;
  dns: DnsSettings;
  logDirectory: string;
}

/** The runtime's configuration for a pod's sandbox. Pure. */
export function sandboxConfig({
  pod,
  attempt,
  hostname,
  dns,
  logDirectory,
}: SandboxConfigInputs): PodSandboxConfig {
  const metadata = { name: podName(pod), uid: podUid(pod), namespace: podNamespace(pod), attempt };
  return {
    metadata,
    hostname,
    logDirectory,
    dnsConfig: dns,
    portMappings: portMappings(pod),
    labels: {
      ...pod.metadata?.labels,
      [runtimeLabels.podName]: metadata.name,
      [runtimeLabels.podNamespace]: metadata.namespace,
      [runtimeLabels.podUid]: metadata.uid,
    },
    annotations: {
      [runtimeAnnotations.podTerminationGracePeriod]: String(pod.spec?.terminationGracePeriodSeconds ?? 30),
    },
    linux: {
      cgroupParent: podCgroup(pod),
      sysctls: Object.fromEntries((pod.spec?.securityContext?.sysctls ?? []).map((s) => [s.name, s.value])),
      securityContext: sandboxSecurityContext(pod),
      resources: podResources(pod),
    },
  };
}

/** The pod's host ports. With hostNetwork nothing is mapped. */
export function portMappings(pod: Pod): PortMapping[] {
  if (isHostNetwork(pod)) return [];
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return containers.flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => port.hostPort)
      .map((port) => ({
        protocol: (port.protocol ?? "TCP") as PortMapping["protocol"],
        containerPort: port.containerPort,
        hostPort: port.hostPort ?? 0,
        hostIp: port.hostIP ?? "",
      })),
  );
}
