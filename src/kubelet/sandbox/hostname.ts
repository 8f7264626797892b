import type { Pod } from "../../api/index.ts";
import { podName, podNamespace } from "../pods/pod-key.ts";

export interface PodHostname {
  /** The pod's host name; the host's own with hostNetwork. */
  hostname: string;
  /** `hostname.subdomain.namespace.svc.domain`, when the pod has a subdomain. */
  fqdn: string | undefined;
  /** Passed to the kernel. */
  kernel: string;
}

const longest = 63;

/** Hostname by spec.hostname, hostnameOverride, subdomain and setHostnameAsFQDN. Throws when the result is too long. */
export function podHostname(pod: Pod, clusterDomain: string, nodeHostname: string): PodHostname {
  const spec = pod.spec;
  if (spec?.hostNetwork) return { hostname: nodeHostname, fqdn: undefined, kernel: nodeHostname };
  if (spec?.hostnameOverride) {
    return { hostname: spec.hostnameOverride, fqdn: undefined, kernel: spec.hostnameOverride };
  }
  const hostname =
    spec?.hostname ||
    podName(pod)
      .slice(0, longest)
      .replace(/[-.]+$/, "");
  const fqdn = spec?.subdomain
    ? `${hostname}.${spec.subdomain}.${podNamespace(pod)}.svc.${clusterDomain}`
    : undefined;
  if (spec?.setHostnameAsFQDN && fqdn) {
    if (fqdn.length > 64) {
      throw new Error(
        `failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long (64 characters is the max, ${fqdn.length} characters requested)`,
      );
    }
    return { hostname, fqdn, kernel: fqdn };
  }
  return { hostname, fqdn, kernel: hostname };
}
