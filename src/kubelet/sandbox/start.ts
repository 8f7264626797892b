import type { Pod } from "../../api/index.ts";
import type { PodSandboxConfig } from "../../cri/index.ts";
import { isHostNetwork, podName, podNamespace, podUid } from "../pods/pod-key.ts";
import { type PodRuntime, readySandbox } from "../pods/pod-runtime.ts";
import type { KubeletServices } from "../services.ts";
import { podDns } from "./dns.ts";
import { podHostname } from "./hostname.ts";
import { hostNetworkHostsFile, podHostsFile } from "./hosts-file.ts";
import { sandboxConfig } from "./sandbox-config.ts";

/** The sandbox's configuration on this node. Also needed for containers that join an older sandbox. */
export function sandboxConfigOf(services: KubeletServices, pod: Pod, attempt: number): PodSandboxConfig {
  const { node } = services;
  const { kernel } = podHostname(pod, node.clusterDomain, node.hostname);
  return sandboxConfig({
    pod,
    attempt,
    hostname: kernel,
    dns: podDns(pod, { servers: node.clusterDns, domain: node.clusterDomain }, node.hostDns()),
    logDirectory: services.logDirectory(podNamespace(pod), podName(pod), podUid(pod)),
  });
}

/** Writes the pod's /etc/hosts and returns its path. Overwritten in place, since containers have this file mounted. */
export function writeHostsFile(services: KubeletServices, pod: Pod, runtime: PodRuntime): string {
  const aliases = pod.spec?.hostAliases ?? [];
  const { hostname, fqdn } = podHostname(pod, services.node.clusterDomain, services.node.hostname);
  const text = isHostNetwork(pod)
    ? hostNetworkHostsFile(services.node.hostsFile(), aliases)
    : podHostsFile(readySandbox(runtime)?.ips ?? [], hostname, fqdn, aliases);
  return services.volumes.writeFile(podUid(pod), "etc-hosts", text, 0o644);
}
