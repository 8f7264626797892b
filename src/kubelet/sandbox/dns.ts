import type { Pod } from "../../api/index.ts";
import { podNamespace } from "../pods/pod-key.ts";

export interface DnsSettings {
  servers: string[];
  searches: string[];
  options: string[];
}

/** Resolver limits that Kubernetes applies. */
const maxServers = 3;
const maxSearches = 32;

/** resolv.conf of a pod by its dnsPolicy and dnsConfig. `host` is the node's own. Pure. */
export function podDns(
  pod: Pod,
  cluster: { servers: readonly string[]; domain: string },
  host: DnsSettings,
): DnsSettings {
  const spec = pod.spec;
  let policy = spec?.dnsPolicy ?? "ClusterFirst";
  if (policy === "ClusterFirst" && spec?.hostNetwork) policy = "Default";
  if (policy === "ClusterFirstWithHostNet") policy = "ClusterFirst";
  // Pods of a cluster without DNS use the node's.
  if (policy === "ClusterFirst" && cluster.servers.length === 0) policy = "Default";
  let settings: DnsSettings;
  if (policy === "None") settings = { servers: [], searches: [], options: [] };
  else if (policy === "Default") settings = { ...host };
  else {
    const domain = cluster.domain;
    settings = {
      servers: [...cluster.servers],
      searches: [`${podNamespace(pod)}.svc.${domain}`, `svc.${domain}`, domain, ...host.searches],
      options: ["ndots:5"],
    };
  }
  const own = spec?.dnsConfig;
  const options = new Map<string, string | undefined>();
  for (const option of settings.options) {
    const [name = "", value] = option.split(/:(.*)/s);
    options.set(name, value);
  }
  for (const { name, value } of own?.options ?? []) if (name) options.set(name, value);
  return {
    servers: unique([...settings.servers, ...(own?.nameservers ?? [])]).slice(0, maxServers),
    searches: unique([...settings.searches, ...(own?.searches ?? [])]).slice(0, maxSearches),
    options: [...options].map(([name, value]) => (value === undefined ? name : `${name}:${value}`)),
  };
}

/** Parses a resolv.conf: nameserver, search (the last one counts) and options. */
export function parseResolvConf(text: string): DnsSettings {
  const settings: DnsSettings = { servers: [], searches: [], options: [] };
  for (const line of text.split("\n")) {
    const [word, ...rest] = line.split(/[;#]/, 1)[0]?.trim().split(/\s+/) ?? [];
    if (word === "nameserver" && rest[0]) settings.servers.push(rest[0]);
    if (word === "search") settings.searches = rest.map((s) => (s.length > 1 ? s.replace(/\.$/, "") : s));
    if (word === "options") settings.options = rest;
  }
  return settings;
}

function unique(list: string[]): string[] {
  return [...new Set(list)];
}
