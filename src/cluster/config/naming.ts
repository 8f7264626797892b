import { createHash } from "node:crypto";
import { ClusterError } from "../cluster-error.ts";

export const defaultName = "wherry";

/** Throws when the name cannot be part of file, interface and cgroup names. */
export function checkName(name: string): void {
  if (/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) return;
  throw new ClusterError(`"${name}" cannot be a cluster's name`, {
    hint: "Use lower-case letters, digits and '-', at most 40 characters, with a letter or digit at both ends.",
  });
}

/** Kubeconfig context, cluster and user. */
export const contextName = (name: string): string => (name === defaultName ? defaultName : `wherry-${name}`);

/** Interface names hold 15 bytes: a long name is cut and completed by a hash. */
export function bridgeName(name: string): string {
  if (name.length <= 12) return `wh-${name}`;
  return `wh-${name.slice(0, 6)}-${createHash("sha256").update(name).digest("hex").slice(0, 5)}`;
}

export const cgroupRoot = (name: string): string => `/wherry-${name}`;
export const serviceTable = (name: string): string => `wherry-${name}`;
export const podTable = (name: string): string => `wherry-${name}-pods`;

/** Clusters that fit side by side on one machine: each takes four second bytes of 10.0.0.0/8, from 64 on. */
export const maxClusters = 48;

/** Address ranges and ports of the index-th cluster of a machine; they overlap with no other's. */
export function rangesOf(index: number): {
  podCidr: string;
  nodeCidr: string;
  gateway: string;
  serviceCidr: string;
  kubernetesIp: string;
  dnsIp: string;
  apiPort: number;
  kubeletPort: number;
} {
  const pods = 64 + index * 4;
  return {
    podCidr: `10.${pods}.0.0/16`,
    nodeCidr: `10.${pods}.0.0/24`,
    gateway: `10.${pods}.0.1`,
    serviceCidr: `10.${pods + 1}.0.0/16`,
    kubernetesIp: `10.${pods + 1}.0.1`,
    dnsIp: `10.${pods + 1}.0.10`,
    apiPort: 6443 + index,
    kubeletPort: 10250 + index * 10,
  };
}
