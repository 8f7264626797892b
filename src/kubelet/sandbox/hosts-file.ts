import type { HostAlias } from "../../api/index.ts";

const header = "# Kubernetes-managed hosts file.\n";
const hostHeader = "# Kubernetes-managed hosts file (host network).\n";

/** /etc/hosts of a pod with its own network. */
export function podHostsFile(
  ips: readonly string[],
  hostname: string,
  fqdn: string | undefined,
  aliases: readonly HostAlias[],
): string {
  const lines = [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    ...ips.map((ip) => (fqdn ? `${ip}\t${fqdn}\t${hostname}` : `${ip}\t${hostname}`)),
  ];
  return `${header}${lines.join("\n")}\n${aliasLines(aliases)}`;
}

/** /etc/hosts of a pod on the host's network: the host's own, and the pod's aliases. */
export function hostNetworkHostsFile(hostFile: string, aliases: readonly HostAlias[]): string {
  return `${hostHeader}${hostFile}${aliasLines(aliases)}`;
}

function aliasLines(aliases: readonly HostAlias[]): string {
  if (aliases.length === 0) return "";
  const lines = aliases.map((a) => `${a.ip}\t${(a.hostnames ?? []).join("\t")}`);
  return `\n# Entries added by HostAliases.\n${lines.join("\n")}\n`;
}
