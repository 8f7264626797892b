import type { EndpointSlice, Service } from "../../api/index.ts";
import type { Name, RecordData, ResourceRecord } from "./message.ts";

/** Source of the records: the latest known state, even while the API is unavailable. */
export interface DnsSource {
  service(key: string): Service | undefined;
  slicesOf(key: string): readonly EndpointSlice[];
  hasNamespace(name: string): boolean;
  /** Services with this cluster address. */
  servicesAt(address: string): readonly Service[];
  /** Slices that hold this endpoint address. */
  slicesAt(address: string): readonly EndpointSlice[];
}

export interface ZoneConfig {
  /** E.g. `cluster.local`. */
  domain: Name;
  /** The DNS server's own address in the cluster. */
  address: string;
  ttlSeconds: number;
}

/** A zone's data for a name. Records are of all types; the caller selects. */
export type Lookup =
  | { kind: "records"; records: ResourceRecord[] }
  /** The name exists (or names below it), but has no records. */
  | { kind: "empty" }
  | { kind: "absent" }
  /** An alias to a name outside: ExternalName. */
  | { kind: "alias"; target: Name };

/** Kubernetes' DNS specification 1.1. `labels` is the name without the cluster domain. */
export function lookUp(labels: Name, source: DnsSource, config: ZoneConfig): Lookup {
  const name: Name = [...labels, ...config.domain];
  const path = [...labels].reverse();
  const [root] = path;
  switch (root) {
    case undefined:
      return records(name, config, [{ type: "NS", target: ["ns", "dns", ...config.domain] }]);
    case "dns-version":
      return labels.length === 1
        ? records(name, config, [{ type: "TXT", texts: ["1.1.0"] }])
        : { kind: "absent" };
    case "dns":
      if (labels.length === 1) return { kind: "empty" };
      if (labels.length === 2 && labels[0] === "ns")
        return records(name, config, [addressOf(config.address)]);
      return { kind: "absent" };
    case "pod":
      return podRecords(labels, name, config);
    case "svc":
      return serviceRecords(labels, name, source, config);
    default:
      return { kind: "absent" };
  }
}

function records(name: Name, config: ZoneConfig, data: readonly RecordData[]): Lookup {
  if (data.length === 0) return { kind: "empty" };
  return { kind: "records", records: data.map((one) => ({ name, ttl: config.ttlSeconds, ...one })) };
}

export function addressOf(address: string): RecordData {
  return address.includes(":") ? { type: "AAAA", address } : { type: "A", address };
}

/** `1-2-3-4.namespace.pod`: the address is in the name, whether or not a pod has it. */
function podRecords(labels: Name, name: Name, config: ZoneConfig): Lookup {
  if (labels.length === 1) return { kind: "empty" };
  if (labels.length === 2) return { kind: "empty" };
  if (labels.length > 3) return { kind: "absent" };
  const [dashed = ""] = labels;
  if (/^\d{1,3}(-\d{1,3}){3}$/.test(dashed)) {
    const parts = dashed.split("-").map(Number);
    if (parts.every((part) => part < 256))
      return records(name, config, [{ type: "A", address: parts.join(".") }]);
  } else if (/^[0-9a-f-]+$/.test(dashed) && dashed.split("-").length > 2) {
    const address = dashed.replaceAll("-", ":");
    if (URL.canParse(`http://[${address}]/`)) return records(name, config, [{ type: "AAAA", address }]);
  }
  return { kind: "absent" };
}

function serviceRecords(labels: Name, name: Name, source: DnsSource, config: ZoneConfig): Lookup {
  const path = [...labels].reverse();
  const [, namespace, serviceName, ...below] = path;
  if (namespace === undefined) return { kind: "empty" };
  if (serviceName === undefined)
    return source.hasNamespace(namespace) ? { kind: "empty" } : { kind: "absent" };
  const key = `${namespace}/${serviceName}`;
  const service = source.service(key);
  if (!service) return { kind: "absent" };
  const base: Name = [serviceName, namespace, "svc", ...config.domain];
  if (service.spec?.type === "ExternalName") {
    if (below.length > 0) return { kind: "absent" };
    const target = (service.spec.externalName ?? "").toLowerCase().split(".").filter(Boolean);
    return { kind: "alias", target };
  }
  const addresses = clusterAddresses(service);
  const endpoints = endpointsOf(source.slicesOf(key));
  const [first, second, ...more] = below;
  if (first === undefined) {
    const own = addresses.length > 0 ? addresses : [...new Set(endpoints.map((e) => e.address))];
    return records(name, config, [
      ...own.map(addressOf),
      ...ports(service, endpoints, undefined, undefined)
        .map((p) => srv(p, base, addresses.length > 0))
        .flat(),
    ]);
  }
  if (first.startsWith("_")) {
    const protocol = first.slice(1);
    const known = ports(service, endpoints, protocol, undefined);
    if (known.length === 0 || more.length > 0) return { kind: "absent" };
    if (second === undefined) return { kind: "empty" };
    const found = ports(service, endpoints, protocol, second.replace(/^_/, ""));
    if (!second.startsWith("_") || found.length === 0) return { kind: "absent" };
    return records(
      name,
      config,
      found.flatMap((p) => srv(p, base, addresses.length > 0)),
    );
  }
  if (second !== undefined) return { kind: "absent" };
  const named = new Set(endpoints.filter((e) => e.label === first).map((e) => e.address));
  if (named.size === 0) return { kind: "absent" };
  return records(name, config, [...named].map(addressOf));
}

export interface DnsEndpoint {
  /** The host name, or the address with dashes. */
  label: string;
  address: string;
  ports: { name: string; protocol: string; port: number }[];
}

function endpointsOf(slices: readonly EndpointSlice[]): DnsEndpoint[] {
  const out: DnsEndpoint[] = [];
  for (const slice of slices) {
    if (slice.addressType === "FQDN") continue;
    const slicePorts = (slice.ports ?? []).flatMap((p) =>
      p.port === undefined
        ? []
        : [{ name: p.name ?? "", protocol: (p.protocol ?? "TCP").toLowerCase(), port: p.port }],
    );
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false) continue;
      for (const address of endpoint.addresses) {
        out.push({ label: endpoint.hostname || dashedAddress(address), address, ports: slicePorts });
      }
    }
  }
  return out;
}

function dashedAddress(address: string): string {
  return address.replaceAll(".", "-").replaceAll(":", "-");
}

function clusterAddresses(service: Service): string[] {
  const all = service.spec?.clusterIPs ?? (service.spec?.clusterIP ? [service.spec.clusterIP] : []);
  return all.filter((address) => address !== "" && address !== "None");
}

interface NamedPort {
  port: number;
  /** Headless: one record per endpoint. */
  labels: string[];
}

/** Named ports of the Service: from its spec, or from its endpoints when it is headless. */
function ports(
  service: Service,
  endpoints: readonly DnsEndpoint[],
  protocol: string | undefined,
  name: string | undefined,
): NamedPort[] {
  const fits = (p: { name?: string; protocol?: string }): boolean =>
    Boolean(p.name) &&
    (protocol === undefined || (p.protocol ?? "TCP").toLowerCase() === protocol) &&
    (name === undefined || p.name?.toLowerCase() === name);
  if (clusterAddresses(service).length > 0) {
    return (service.spec?.ports ?? []).filter(fits).map((p) => ({ port: p.port, labels: [] }));
  }
  const byPort = new Map<string, NamedPort>();
  for (const endpoint of endpoints) {
    for (const port of endpoint.ports.filter(fits)) {
      const key = `${port.name}/${port.protocol}/${port.port}`;
      const known = byPort.get(key) ?? { port: port.port, labels: [] };
      if (!known.labels.includes(endpoint.label)) known.labels.push(endpoint.label);
      byPort.set(key, known);
    }
  }
  return [...byPort.values()];
}

function srv(port: NamedPort, base: Name, hasAddress: boolean): RecordData[] {
  const targets: Name[] = hasAddress ? [base] : port.labels.map((label) => [label, ...base]);
  const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)));
  return targets.map((target) => ({ type: "SRV", priority: 0, weight, port: port.port, target }));
}

/** PTR of a cluster address: the Service's name, or the endpoint's below its headless Service. */
export function reverse(address: string, source: DnsSource, config: ZoneConfig): Name[] {
  const names: Name[] = [];
  for (const service of source.servicesAt(address)) {
    names.push([service.metadata?.name ?? "", service.metadata?.namespace ?? "", "svc", ...config.domain]);
  }
  if (names.length > 0) return names.slice(0, 1);
  for (const slice of source.slicesAt(address)) {
    const service = slice.metadata?.labels?.["kubernetes.io/service-name"];
    if (!service) continue;
    for (const endpoint of endpointsOf([slice])) {
      if (endpoint.address !== address) continue;
      names.push([endpoint.label, service, slice.metadata?.namespace ?? "", "svc", ...config.domain]);
    }
  }
  return names;
}
