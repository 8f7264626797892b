import type { EndpointSlice, Service } from "../../api/index.ts";

export type Protocol = "tcp" | "udp" | "sctp";
export type Family = 4 | 6;

/** One port of one Service in one address family, with everything that determines its endpoints. */
export interface ServicePort {
  /** `namespace/name` */
  service: string;
  portName: string;
  protocol: Protocol;
  family: Family;
  clusterIps: readonly string[];
  port: number;
  /** 0: none. */
  nodePort: number;
  /** Addresses outside the cluster's range: the load balancer's and spec.externalIPs. */
  loadBalancerIps: readonly string[];
  externalIps: readonly string[];
  /** Client addresses allowed for load balancer addresses; empty: all. */
  sourceRanges: readonly string[];
  /** Session affinity timeout in seconds; 0: no affinity. */
  affinitySeconds: number;
  internalLocal: boolean;
  externalLocal: boolean;
  /** The endpoints used: ready ones, or serving ones when all are terminating (KEP-1669). */
  endpoints: readonly Target[];
  localEndpoints: readonly Target[];
}

export interface Target {
  address: string;
  port: number;
  /** On this node. */
  local: boolean;
}

export interface ModelConfig {
  nodeName: string;
}

/** Converts API objects. Services without a cluster address (headless, ExternalName) yield nothing. */
export function servicePorts(
  services: Iterable<Service>,
  slicesOf: (service: string) => readonly EndpointSlice[],
  config: ModelConfig,
): ServicePort[] {
  const out: ServicePort[] = [];
  for (const service of services) {
    if (!isProxied(service)) continue;
    const key = `${service.metadata?.namespace}/${service.metadata?.name}`;
    const slices = slicesOf(key);
    const addresses = clusterIpsOf(service);
    for (const family of [4, 6] as const) {
      const clusterIps = addresses.filter((ip) => familyOf(ip) === family);
      if (clusterIps.length > 0) out.push(...portsOf(service, key, family, clusterIps, slices, config));
    }
  }
  return out;
}

function isProxied(service: Service): boolean {
  const spec = service.spec;
  if (!spec || spec.type === "ExternalName") return false;
  // Assigned to another proxy by its label.
  if (service.metadata?.labels?.["service.kubernetes.io/service-proxy-name"] !== undefined) return false;
  return clusterIpsOf(service).length > 0;
}

function clusterIpsOf(service: Service): string[] {
  const ips = service.spec?.clusterIPs ?? (service.spec?.clusterIP ? [service.spec.clusterIP] : []);
  return ips.filter((ip) => ip !== "" && ip !== "None");
}

export function familyOf(address: string): Family {
  return address.includes(":") ? 6 : 4;
}

function portsOf(
  service: Service,
  key: string,
  family: Family,
  clusterIps: readonly string[],
  slices: readonly EndpointSlice[],
  config: ModelConfig,
): ServicePort[] {
  const spec = service.spec ?? {};
  const ofFamily = (ip: string): boolean => familyOf(ip) === family;
  const ingress = (service.status?.loadBalancer?.ingress ?? [])
    .filter((entry) => entry.ip && entry.ipMode !== "Proxy")
    .map((entry) => entry.ip ?? "");
  const external = spec.type === "NodePort" || spec.type === "LoadBalancer";
  return (spec.ports ?? []).map((port) => {
    const protocol = (port.protocol ?? "TCP").toLowerCase() as Protocol;
    const all = targetsOf(slices, family, port.name ?? "", port.protocol ?? "TCP", config.nodeName);
    return {
      service: key,
      portName: port.name ?? "",
      protocol,
      family,
      clusterIps,
      port: port.port,
      nodePort: external ? (port.nodePort ?? 0) : 0,
      loadBalancerIps: spec.type === "LoadBalancer" ? ingress.filter(ofFamily) : [],
      externalIps: (spec.externalIPs ?? []).filter(ofFamily),
      sourceRanges: (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter(ofFamily),
      affinitySeconds:
        spec.sessionAffinity === "ClientIP"
          ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800)
          : 0,
      internalLocal: spec.internalTrafficPolicy === "Local",
      externalLocal: external && spec.externalTrafficPolicy === "Local",
      endpoints: usable(all),
      localEndpoints: usable(all.filter((target) => target.local)),
    };
  });
}

interface Candidate extends Target {
  ready: boolean;
  serving: boolean;
}

function usable(all: readonly Candidate[]): Target[] {
  const ready = all.filter((target) => target.ready);
  const chosen = ready.length > 0 ? ready : all.filter((target) => target.serving);
  return chosen.map(({ address, port, local }) => ({ address, port, local }));
}

/** Endpoints of the port with this name. An endpoint may be in two slices for a while; it counts once. */
function targetsOf(
  slices: readonly EndpointSlice[],
  family: Family,
  portName: string,
  protocol: string,
  nodeName: string,
): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== (family === 4 ? "IPv4" : "IPv6")) continue;
    const port = (slice.ports ?? []).find(
      (p) => (p.name ?? "") === portName && (p.protocol ?? "TCP") === protocol,
    )?.port;
    if (port === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const address = endpoint.addresses[0];
      if (address === undefined) continue;
      // Missing conditions count as true (discovery.k8s.io/v1 EndpointConditions).
      const ready = endpoint.conditions?.ready ?? true;
      const serving = endpoint.conditions?.serving ?? ready;
      const before = found.get(`${address} ${port}`);
      if (before?.ready) continue;
      found.set(`${address} ${port}`, {
        address,
        port,
        local: endpoint.nodeName === nodeName,
        ready,
        serving,
      });
    }
  }
  return [...found.values()].sort((a, b) =>
    a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port,
  );
}
