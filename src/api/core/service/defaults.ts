/** Defaults of Services, and allocated fields preserved by updates. */
import type { Service, ServiceSpec } from "../../generated/types.ts";
import {
  hasNodePorts,
  isExternal,
  needsClusterIp,
  needsHealthCheckPort,
  needsNodePorts,
  sameList,
  specOf,
} from "./types.ts";

/** Default timeout of ClientIP session affinity (seconds). */
const affinitySeconds = 10_800;

export function defaultService(service: Service): void {
  const spec = (service.spec ??= {});
  spec.sessionAffinity ||= "None";
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  else if (
    spec.sessionAffinity === "ClientIP" &&
    spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined
  )
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: affinitySeconds } };
  spec.type ||= "ClusterIP";
  for (const port of spec.ports ?? []) {
    port.protocol ||= "TCP";
    port.targetPort ||= port.port;
  }
  if (isExternal(spec)) spec.externalTrafficPolicy ||= "Cluster";
  if (hasNodePorts(spec) || spec.type === "ClusterIP") spec.internalTrafficPolicy ??= "Cluster";
  if (spec.type === "LoadBalancer") {
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const ingress of service.status?.loadBalancer?.ingress ?? [])
      if (ingress.ip) ingress.ipMode ??= "VIP";
  }
}

export function prepareNewService(service: Service): void {
  service.status = { loadBalancer: {} };
  dropInternalPolicy(specOf(service));
}

/** Clients that set the singular field need not know the plural one. */
export function nameAddresses(spec: ServiceSpec): void {
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
}

/** ExternalName Services have no internal traffic policy. */
function dropInternalPolicy(spec: ServiceSpec): void {
  const policy = spec.internalTrafficPolicy;
  if (spec.type === "ExternalName" && (policy === "Cluster" || policy === "Local"))
    delete spec.internalTrafficPolicy;
}

/** Keeps addresses and ports of the old Service that the new one omits, and drops those its type does not use. */
export function prepareServiceUpdate(service: Service, old: Service): void {
  const spec = specOf(service);
  const before = specOf(old);
  if (needsClusterIp(before) && needsClusterIp(spec)) {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP;
    if (!spec.clusterIPs?.length && before.clusterIPs?.length) spec.clusterIPs = [...before.clusterIPs];
  }
  if (needsNodePorts(before) && needsNodePorts(spec)) keepNodePorts(spec, before);
  if (needsHealthCheckPort(before) && needsHealthCheckPort(spec) && before.healthCheckNodePort)
    spec.healthCheckNodePort ||= before.healthCheckNodePort;
  alignAddresses(spec, before);
  dropUseless(spec, before);
  dropInternalPolicy(spec);
  if (spec.type !== "LoadBalancer") service.status = { ...service.status, loadBalancer: {} };
}

/** A node port is kept by its port's name, unless another port uses it. */
function keepNodePorts(spec: ServiceSpec, before: ServiceSpec): void {
  const kept = new Map((before.ports ?? []).map((port) => [port.name ?? "", port.nodePort]));
  const taken = new Set((spec.ports ?? []).map((port) => port.nodePort));
  for (const port of spec.ports ?? []) {
    const old = kept.get(port.name ?? "");
    if (!port.nodePort && old && !taken.has(old)) port.nodePort = old;
  }
}

/** `clusterIP` equals the first of `clusterIPs`; old clients set only the former. */
function alignAddresses(spec: ServiceSpec, before: ServiceSpec): void {
  const [address = "", old = ""] = [spec.clusterIP, before.clusterIP];
  if (before.clusterIPs?.length && !spec.clusterIPs?.length && address === old)
    spec.clusterIPs = [...before.clusterIPs];
  if (address === old || !sameList(spec.clusterIPs, before.clusterIPs)) return;
  if (old && !address) delete spec.clusterIPs;
  else spec.clusterIPs = [address];
}

/** Fields that the new type does not use are cleared, unless the update changes them: then they are errors. */
function dropUseless(spec: ServiceSpec, before: ServiceSpec): void {
  if (needsClusterIp(before) && !needsClusterIp(spec)) {
    if (spec.clusterIP === before.clusterIP && sameList(spec.clusterIPs, before.clusterIPs)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (spec.ipFamilies && sameList(spec.ipFamilies, before.ipFamilies)) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === before.ipFamilyPolicy) delete spec.ipFamilyPolicy;
  }
  if (hasNodePorts(before) && !hasNodePorts(spec)) {
    const old = new Set((before.ports ?? []).map((port) => port.nodePort));
    const ports = spec.ports ?? [];
    if (ports.every(({ nodePort }) => !nodePort || old.has(nodePort)))
      for (const port of ports) delete port.nodePort;
  }
  if (
    needsHealthCheckPort(before) &&
    !needsHealthCheckPort(spec) &&
    spec.healthCheckNodePort === before.healthCheckNodePort
  )
    delete spec.healthCheckNodePort;
  if (before.type === "LoadBalancer" && spec.type !== "LoadBalancer") {
    if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts)
      delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === before.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (isExternal(before) && !isExternal(spec) && spec.externalTrafficPolicy === before.externalTrafficPolicy)
    delete spec.externalTrafficPolicy;
}
