import { emptyTable, type TablePlan } from "../nft/table-plan.ts";
import type { Lease } from "./address-pool.ts";

export interface PodRulesConfig {
  /** nftables table of the pod network, e.g. `wherry-main-pods`. */
  table: string;
  bridge: string;
  /** Addresses of all pods of the cluster. */
  podCidr: string;
}

/** The nftables rules of the pod network: masquerading, host ports, and protection of the host. */
export function renderPodRules(config: PodRulesConfig, leases: readonly Lease[]): TablePlan {
  const plan = emptyTable(`inet ${config.table}`);
  const { bridge, podCidr } = config;
  const byAddress = hostPortElements(leases);
  plan.sets.set("host-ports", {
    kind: "map",
    declaration: "type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service ;",
    elements: byAddress.some,
  });
  plan.sets.set("any-host-ports", {
    kind: "map",
    declaration: "type inet_proto . inet_service : ipv4_addr . inet_service ;",
    elements: byAddress.any,
  });
  plan.chains.set("host-ports", {
    rules: [
      "meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport map @host-ports",
      "meta l4proto { tcp, udp, sctp } fib daddr type local dnat ip to meta l4proto . th dport map @any-host-ports",
    ],
  });
  // route_localnet accepts replies to 127.0.0.1 from the bridge; this keeps pods away from services that listen only there.
  plan.chains.set("guard", {
    hook: "type filter hook prerouting priority -300 ;",
    rules: [
      `iifname "${bridge}" ip daddr 127.0.0.0/8 counter drop`,
      `iifname "${bridge}" ip saddr 127.0.0.0/8 counter drop`,
    ],
  });
  plan.chains.set("nat-prerouting", {
    hook: "type nat hook prerouting priority -100 ;",
    rules: ["meta nfproto ipv4 jump host-ports"],
  });
  plan.chains.set("nat-output", {
    hook: "type nat hook output priority -100 ;",
    rules: ["meta nfproto ipv4 jump host-ports"],
  });
  plan.chains.set("nat-postrouting", {
    hook: "type nat hook postrouting priority 100 ;",
    rules: [
      // A pod that connects to itself through its host port.
      `iifname "${bridge}" oifname "${bridge}" ct status dnat ip saddr . ip daddr @own masquerade fully-random`,
      `ct status dnat ip saddr 127.0.0.0/8 oifname "${bridge}" masquerade fully-random`,
      `ip saddr ${podCidr} ip daddr != { ${podCidr}, 224.0.0.0/4 } oifname != "${bridge}" masquerade fully-random`,
    ],
  });
  plan.sets.set("own", {
    kind: "set",
    declaration: "type ipv4_addr . ipv4_addr ;",
    elements: new Map(
      leases.filter((lease) => lease.portMappings.length > 0).map((l) => [`${l.address} . ${l.address}`, ""]),
    ),
  });
  return plan;
}

function hostPortElements(leases: readonly Lease[]): { some: Map<string, string>; any: Map<string, string> } {
  const some = new Map<string, string>();
  const any = new Map<string, string>();
  for (const lease of leases) {
    for (const { protocol, hostIp, hostPort, containerPort } of lease.portMappings) {
      if (hostPort <= 0) continue;
      const port = `${protocol.toLowerCase()} . ${hostPort}`;
      const target = `${lease.address} . ${containerPort}`;
      if (hostIp === "" || hostIp === "0.0.0.0") any.set(port, target);
      else some.set(`${hostIp} . ${port}`, target);
    }
  }
  return { some, any };
}
