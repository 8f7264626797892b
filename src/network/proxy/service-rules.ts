import { createHash } from "node:crypto";
import { emptyTable, type TablePlan } from "../nft/table-plan.ts";
import { wishKey } from "./port-keeper.ts";
import type { Family, ServicePort, Target } from "./service-model.ts";

/** This node's and cluster's settings for the rules. */
export interface RulesConfig {
  /** nftables table, e.g. `wherry-main`; used by nothing else. */
  table: string;
  nodeName: string;
  /** Ranges of pod addresses of the whole cluster, both families. */
  podCidrs: readonly string[];
  serviceCidrs: readonly string[];
  /** The cluster's DNS; `port` on `address` is where the server listens. */
  dns?: { clusterIp: string; address: string; port: number };
  /** Load balancer Services with `address` listen on these other addresses of the machine, too. */
  balancer?: { address: string; aliases: readonly string[] };
  /** Ports in use by other programs of this machine, named by `wishKey`. Their traffic is not rewritten. */
  taken?: ReadonlySet<string>;
}

/** Marks packets to be masqueraded with this node's address; cleared in the same pass. */
const masqueradeMark = "0x4000";

/** All rules of the proxy, as data. No I/O: the same input results in the same table. */
export function renderPorts(ports: readonly ServicePort[], config: RulesConfig): TablePlan {
  const plan = emptyTable(`inet ${config.table}`);
  for (const family of [4, 6] as const) addMaps(plan, family);
  addBaseChains(plan, config);
  for (const port of dnsPorts(config)) addPort(plan, port, config);
  for (const port of ports) addPort(plan, port, config);
  return plan;
}

function words(family: Family): { ip: string; type: string; suffix: string } {
  return family === 4
    ? { ip: "ip", type: "ipv4_addr", suffix: "4" }
    : { ip: "ip6", type: "ipv6_addr", suffix: "6" };
}

function addMaps(plan: TablePlan, family: Family): void {
  const { type, suffix } = words(family);
  const byAddress = `type ${type} . inet_proto . inet_service : verdict ;`;
  const byPort = "type inet_proto . inet_service : verdict ;";
  const map = (name: string, declaration: string): void => {
    plan.sets.set(`${name}${suffix}`, { kind: "map", declaration, elements: new Map() });
  };
  map("services", byAddress);
  map("node-ports", byPort);
  map("refused-services", byAddress);
  map("refused-ports", byPort);
  map("guarded", byAddress);
  plan.sets.set(`hairpin${suffix}`, {
    kind: "set",
    declaration: `type ${type} . ${type} ;`,
    elements: new Map(),
  });
}

function addBaseChains(plan: TablePlan, config: RulesConfig): void {
  const chain = (name: string, hook: string | undefined, rules: string[]): void => {
    plan.chains.set(name, hook ? { hook, rules } : { rules });
  };
  // The kernel limits "port unreachable" messages, but not resets, and clients handle both alike.
  chain("no-endpoints", undefined, [
    "meta l4proto tcp reject with tcp reset",
    "reject with icmpx port-unreachable",
  ]);
  const dispatch: string[] = [];
  const refuse: string[] = [];
  const guard: string[] = [];
  const masquerade: string[] = [];
  for (const family of [4, 6] as const) {
    const { ip, suffix } = words(family);
    const local = `meta nfproto ipv${family} fib daddr type local meta l4proto . th dport`;
    const toService = `${ip} daddr . meta l4proto . th dport`;
    dispatch.push(`${toService} vmap @services${suffix}`, `${local} vmap @node-ports${suffix}`);
    // Rewritten packets are for endpoints, whatever their address.
    const asAsked = "ct status & dnat == 0";
    refuse.push(`${asAsked} ${toService} vmap @refused-services${suffix}`);
    refuse.push(`${asAsked} ${local} vmap @refused-ports${suffix}`);
    guard.push(`ct state new ${toService} vmap @guarded${suffix}`);
    // A pod that connects to itself through a Service must not see its own address as the peer's.
    masquerade.push(`ct status dnat ${ip} saddr . ${ip} daddr @hairpin${suffix} masquerade fully-random`);
  }
  // Packets that still have a Service's address as destination are for an unknown port, or one without endpoints.
  for (const cidr of config.serviceCidrs) {
    refuse.push(`${cidr.includes(":") ? "ip6" : "ip"} daddr ${cidr} goto no-endpoints`);
  }
  // Loopback addresses cannot leave the loopback interface: node ports on 127.0.0.1.
  masquerade.push(`ct status dnat ip saddr 127.0.0.0/8 oifname != "lo" masquerade fully-random`);
  masquerade.push(
    `meta mark and ${masqueradeMark} == ${masqueradeMark} meta mark set meta mark and 0xffffbfff masquerade fully-random`,
  );
  chain("dispatch", undefined, dispatch);
  chain("refuse", undefined, refuse);
  chain("nat-prerouting", "type nat hook prerouting priority -100 ;", ["jump dispatch"]);
  chain("nat-output", "type nat hook output priority -100 ;", ["jump dispatch"]);
  chain("nat-postrouting", "type nat hook postrouting priority 100 ;", masquerade);
  // Before the destination is rewritten, to see the original one.
  chain("filter-prerouting", "type filter hook prerouting priority -110 ;", guard);
  for (const hook of ["input", "forward", "output"]) {
    chain(`filter-${hook}`, `type filter hook ${hook} priority 0 ;`, ["ct state new jump refuse"]);
  }
}

/** The cluster's DNS has its address even while the API is unavailable. */
function dnsPorts(config: RulesConfig): ServicePort[] {
  const dns = config.dns;
  if (!dns) return [];
  const target: Target = { address: dns.address, port: dns.port, local: true };
  return (["udp", "tcp"] as const).map((protocol) => ({
    service: "kube-system/kube-dns",
    portName: "built-in",
    protocol,
    family: dns.clusterIp.includes(":") ? 6 : 4,
    clusterIps: [dns.clusterIp],
    port: 53,
    nodePort: 0,
    loadBalancerIps: [],
    externalIps: [],
    sourceRanges: [],
    affinitySeconds: 0,
    internalLocal: false,
    externalLocal: false,
    endpoints: [target],
    localEndpoints: [target],
  }));
}

function addPort(plan: TablePlan, port: ServicePort, config: RulesConfig): void {
  const { suffix } = words(port.family);
  const id = chainId(port);
  const whole = port.endpoints.length > 0 ? `svc-${id}` : undefined;
  const needsLocal = port.internalLocal || port.externalLocal;
  const local = needsLocal && port.localEndpoints.length > 0 ? `local-${id}` : undefined;
  if (whole) addSpread(plan, whole, port, port.endpoints, config);
  if (local) addSpread(plan, local, port, port.localEndpoints, config);
  const outside = addOutside(plan, port, id, whole, local, config);

  const put = (map: string, key: string, verdict: string): void => {
    const elements = plan.sets.get(`${map}${suffix}`)?.elements;
    // Two Services may claim the same address and port (externalIPs); the first gets it.
    if (elements && !elements.has(key)) elements.set(key, verdict);
  };
  const dropped = (policyLocal: boolean): string =>
    policyLocal && port.endpoints.length > 0 ? "drop" : "goto no-endpoints";
  // During a rule update a packet may meet old rules with new maps and stay unchanged. Nothing may answer it, least of all the
  // socket that reserves the port: it is dropped, resent after a second like any lost packet, and then rewritten.
  const putMissed = (ip: string | undefined, asked: number, map: string, key: string): void => {
    const isItself = ({ address, port: p }: Target): boolean => p === asked && (!ip || address === ip);
    if (!port.endpoints.some(isItself)) put(map, key, "drop");
  };
  for (const ip of port.clusterIps) {
    const key = `${ip} . ${port.protocol} . ${port.port}`;
    const inside = port.internalLocal ? local : whole;
    if (inside) put("services", key, `goto ${inside}`);
    else put("refused-services", key, dropped(port.internalLocal));
    if (inside) putMissed(ip, port.port, "refused-services", key);
  }
  const balanced = [...port.loadBalancerIps, ...aliasesOf(port, config)];
  for (const ip of [...balanced, ...port.externalIps]) {
    const key = `${ip} . ${port.protocol} . ${port.port}`;
    if (outside) put("services", key, `goto ${outside}`);
    if (!outside || (port.externalLocal && !local)) put("refused-services", key, dropped(port.externalLocal));
    else putMissed(ip, port.port, "refused-services", key);
  }
  if (port.sourceRanges.length > 0 && balanced.length > 0) {
    const { ip } = words(port.family);
    const guard = `guard-${id}`;
    plan.chains.set(guard, { rules: [`${ip} saddr != { ${port.sourceRanges.join(", ")} } drop`] });
    for (const lb of balanced) put("guarded", `${lb} . ${port.protocol} . ${port.port}`, `goto ${guard}`);
  }
  const wish = { protocol: port.protocol, address: "0.0.0.0", port: port.nodePort };
  if (port.nodePort > 0 && !config.taken?.has(wishKey(wish))) {
    const key = `${port.protocol} . ${port.nodePort}`;
    if (outside) put("node-ports", key, `goto ${outside}`);
    if (!outside || (port.externalLocal && !local)) put("refused-ports", key, dropped(port.externalLocal));
    else putMissed(undefined, port.nodePort, "refused-ports", key);
  }
}

/** The machine's other addresses, where the port is free. */
function aliasesOf(port: ServicePort, { balancer, taken }: RulesConfig): string[] {
  if (!balancer || !port.loadBalancerIps.includes(balancer.address)) return [];
  return balancer.aliases.filter((address) => {
    return !taken?.has(wishKey({ protocol: port.protocol, address, port: port.port }));
  });
}

/** The chain for traffic to node ports, load balancer addresses and external addresses. */
function addOutside(
  plan: TablePlan,
  port: ServicePort,
  id: string,
  whole: string | undefined,
  local: string | undefined,
  config: RulesConfig,
): string | undefined {
  if (!whole) return undefined;
  if (port.nodePort === 0 && port.loadBalancerIps.length + port.externalIps.length === 0) return undefined;
  const { ip } = words(port.family);
  const remote = port.endpoints.some((target) => !target.local);
  // Replies of endpoints on other nodes must return through this one.
  const mark = `meta mark set meta mark or ${masqueradeMark}`;
  if (!port.externalLocal) {
    if (!remote) return whole;
    plan.chains.set(`ext-${id}`, { rules: [mark, `goto ${whole}`] });
    return `ext-${id}`;
  }
  // Policy Local applies to external clients: pods and the node itself reach every endpoint.
  const rules: string[] = [];
  for (const cidr of podCidrs(config, port.family)) rules.push(`${ip} saddr ${cidr} goto ${whole}`);
  if (remote) rules.push(`fib saddr type local ${mark}`);
  rules.push(`fib saddr type local goto ${whole}`);
  if (local) rules.push(`goto ${local}`);
  plan.chains.set(`ext-${id}`, { rules });
  return `ext-${id}`;
}

function podCidrs(config: RulesConfig, family: Family): string[] {
  return config.podCidrs.filter((cidr) => cidr.includes(":") === (family === 6));
}

/** Spreads new connections randomly over the endpoints, or keeps a client's endpoint (session affinity). */
function addSpread(
  plan: TablePlan,
  chain: string,
  port: ServicePort,
  targets: readonly Target[],
  config: RulesConfig,
): void {
  const { ip, type, suffix } = words(port.family);
  const hairpin = plan.sets.get(`hairpin${suffix}`)?.elements;
  for (const { address } of targets) hairpin?.set(`${address} . ${address}`, "");
  const rules: string[] = [];
  if (targets.some((target) => !target.local)) {
    const [cidr] = podCidrs(config, port.family);
    if (cidr) {
      rules.push(
        `${ip} saddr != ${cidr} fib saddr type != local meta mark set meta mark or ${masqueradeMark}`,
      );
    }
  }
  const dnat = `meta l4proto ${port.protocol} dnat ${ip} to`;
  if (port.affinitySeconds === 0) {
    const [first] = targets;
    if (first && targets.length === 1) {
      rules.push(`${dnat} ${joined(first)}`);
    } else {
      const entries = targets.map(({ address, port: p }, i) => `${i} : ${address} . ${p}`);
      rules.push(`${dnat} numgen random mod ${targets.length} map { ${entries.join(", ")} }`);
    }
    plan.chains.set(chain, { rules });
    return;
  }
  const chains: string[] = [];
  for (const target of targets) {
    const name = `${chain.startsWith("local-") ? "lep" : "ep"}-${chainId(port, target)}`;
    // The full and the local chain share the affinity map; the timeout is part of its name, see SetPlan.
    const memory = `sticky-${chainId(port, target)}-${port.affinitySeconds}`;
    plan.sets.set(memory, {
      kind: "set",
      declaration: `type ${type} ; size 65535 ; flags dynamic,timeout ; timeout ${port.affinitySeconds}s ;`,
      elements: undefined,
    });
    plan.chains.set(name, { rules: [`update @${memory} { ${ip} saddr }`, `${dnat} ${joined(target)}`] });
    rules.push(`${ip} saddr @${memory} goto ${name}`);
    chains.push(name);
  }
  const [only] = chains;
  if (chains.length === 1 && only) rules.push(`goto ${only}`);
  else {
    const entries = chains.map((name, i) => `${i} : goto ${name}`);
    rules.push(`numgen random mod ${chains.length} vmap { ${entries.join(", ")} }`);
  }
  plan.chains.set(chain, { rules });
}

function joined({ address, port }: Target): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Readable and within the kernel's limit (128 bytes), with a hash that keeps long names distinct. */
function chainId(port: ServicePort, target?: Target): string {
  const parts = [port.service, port.portName, port.protocol, String(port.family)];
  const readable = `${port.service}/${port.protocol}/${port.portName || port.port}`.slice(0, 80);
  if (target) parts.push(target.address, String(target.port));
  const hash = createHash("sha1").update(parts.join(" ")).digest("hex").slice(0, 8);
  const where = target ? `/${target.address.replaceAll(":", "-")}/${target.port}`.slice(0, 24) : "";
  return `${hash}/${readable}${where}`;
}
