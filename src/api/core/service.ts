/** Service: defaults, rules, and what an update keeps of what the server once allocated. */
import {
  deepEqual,
  duplicate,
  forbidden,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  isPortName,
  isPortNumber,
  isQualifiedName,
  notSupported,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { Service, ServicePort, ServiceSpec } from "../generated/types.ts";
import { validateLabels } from "../metadata.ts";
import { isAddress, isCidr, isIpv4 } from "./address.ts";

/** Session affinity by client address lasts this long by default (seconds). */
const affinitySeconds = 10_800;
const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const protocols = ["SCTP", "TCP", "UDP"];

export const needsClusterIp = (spec: ServiceSpec): boolean => spec.type !== "ExternalName";
export const needsNodePorts = (spec: ServiceSpec): boolean =>
  spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
export const needsHealthCheckPort = (spec: ServiceSpec): boolean =>
  spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
const isExternal = (spec: ServiceSpec): boolean =>
  spec.type === "LoadBalancer" ||
  spec.type === "NodePort" ||
  (spec.type === "ClusterIP" && !!spec.externalIPs?.length);
export const isHeadless = (spec: ServiceSpec): boolean =>
  spec.clusterIP === "None" || spec.clusterIPs?.[0] === "None";

export function defaultService(service: Service): void {
  const spec = (service.spec ??= {});
  spec.sessionAffinity ||= "None";
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  else if (
    spec.sessionAffinity === "ClientIP" &&
    spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined
  ) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: affinitySeconds } };
  }
  spec.type ||= "ClusterIP";
  for (const port of spec.ports ?? []) {
    port.protocol ||= "TCP";
    port.targetPort ||= port.port;
  }
  if (isExternal(spec)) spec.externalTrafficPolicy ||= "Cluster";
  if (spec.type !== "ExternalName") spec.internalTrafficPolicy ??= "Cluster";
  if (spec.type === "LoadBalancer") {
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const ingress of service.status?.loadBalancer?.ingress ?? [])
      if (ingress.ip) ingress.ipMode ??= "VIP";
  }
  // clusterIP and the first of clusterIPs are the same; whichever is given fills the other.
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
  else if (!spec.clusterIP && spec.clusterIPs?.length) spec.clusterIP = spec.clusterIPs[0] as string;
}

export function prepareNewService(service: Service): void {
  service.status = { loadBalancer: {} };
}

/** Keeps addresses and ports of the old Service that the new one leaves out, and drops those its type has no use for. */
export function prepareServiceUpdate(service: Service, old: Service): void {
  const spec = service.spec;
  const before = old.spec;
  if (!spec || !before) return;
  if (needsClusterIp(before) && needsClusterIp(spec)) {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP;
    if (!spec.clusterIPs?.length && before.clusterIPs) spec.clusterIPs = [...before.clusterIPs];
    if (!spec.ipFamilies?.length && before.ipFamilies) spec.ipFamilies = [...before.ipFamilies];
    if (before.ipFamilyPolicy) spec.ipFamilyPolicy ??= before.ipFamilyPolicy;
  } else if (needsClusterIp(before)) {
    if (spec.clusterIP === before.clusterIP) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (deepEqual(spec.ipFamilies, before.ipFamilies)) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === before.ipFamilyPolicy) delete spec.ipFamilyPolicy;
    if (spec.internalTrafficPolicy === before.internalTrafficPolicy) delete spec.internalTrafficPolicy;
  }
  keepNodePorts(spec, before);
  if (needsHealthCheckPort(before)) {
    if (needsHealthCheckPort(spec)) {
      if (before.healthCheckNodePort) spec.healthCheckNodePort ||= before.healthCheckNodePort;
    } else if (spec.healthCheckNodePort === before.healthCheckNodePort) delete spec.healthCheckNodePort;
  }
  if (before.type === "LoadBalancer" && spec.type !== "LoadBalancer") {
    if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts) {
      delete spec.allocateLoadBalancerNodePorts;
    }
    if (spec.loadBalancerClass === before.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (
    isExternal(before) &&
    !isExternal(spec) &&
    spec.externalTrafficPolicy === before.externalTrafficPolicy
  ) {
    delete spec.externalTrafficPolicy;
  }
  if (spec.type !== "LoadBalancer") service.status = { ...service.status, loadBalancer: {} };
}

function keepNodePorts(spec: ServiceSpec, before: ServiceSpec): void {
  const mine = spec.ports ?? [];
  const theirs = before.ports ?? [];
  if (!needsNodePorts(before)) return;
  if (needsNodePorts(spec)) {
    const taken = new Set(mine.map((port) => port.nodePort).filter((port) => port));
    for (const port of mine) {
      const old = theirs.find((each) => (each.name ?? "") === (port.name ?? ""))?.nodePort;
      if (!port.nodePort && old && !taken.has(old)) port.nodePort = old;
    }
  } else {
    const given = mine.map((port) => port.nodePort ?? 0);
    if (
      deepEqual(
        given,
        theirs.slice(0, mine.length).map((port) => port.nodePort ?? 0),
      )
    ) {
      for (const port of mine) delete port.nodePort;
    }
  }
}

function validatePort(
  port: ServicePort,
  needsName: boolean,
  names: Set<string>,
  path: string,
  errors: FieldError[],
): void {
  if (!port.name) {
    if (needsName) errors.push(required(`${path}.name`));
  } else {
    for (const text of isDns1123Label(port.name)) errors.push(invalid(`${path}.name`, port.name, text));
    if (names.has(port.name)) errors.push(duplicate(`${path}.name`, port.name));
    names.add(port.name);
  }
  for (const text of isPortNumber(port.port ?? 0)) errors.push(invalid(`${path}.port`, port.port ?? 0, text));
  if (!port.protocol) errors.push(required(`${path}.protocol`));
  else if (!protocols.includes(port.protocol))
    errors.push(notSupported(`${path}.protocol`, port.protocol, protocols));
  const target = port.targetPort ?? 0;
  for (const text of typeof target === "string" ? isPortName(target) : isPortNumber(target)) {
    errors.push(invalid(`${path}.targetPort`, target, text));
  }
  if (port.appProtocol) {
    for (const text of isQualifiedName(port.appProtocol))
      errors.push(invalid(`${path}.appProtocol`, port.appProtocol, text));
  }
}

export function validateService(service: Service): FieldError[] {
  const errors: FieldError[] = [];
  const spec = service.spec ?? {};
  const ports = spec.ports ?? [];
  const headless = isHeadless(spec);
  if (ports.length === 0 && !headless && spec.type !== "ExternalName") errors.push(required("spec.ports"));
  if (headless && (spec.type === "LoadBalancer" || spec.type === "NodePort")) {
    errors.push(invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${spec.type} services`));
  }
  if (spec.type === "ExternalName") validateExternalName(spec, errors);
  const names = new Set<string>();
  for (const [i, port] of ports.entries())
    validatePort(port, ports.length > 1, names, `spec.ports[${i}]`, errors);
  validateLabels(spec.selector, "spec.selector", errors);
  validateAffinity(spec, errors);
  if (spec.type !== "ExternalName") validateClusterIps(spec, errors);
  for (const [i, ip] of (spec.externalIPs ?? []).entries()) {
    if (!isAddress(ip)) {
      errors.push(
        invalid(
          `spec.externalIPs[${i}]`,
          ip,
          "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        ),
      );
    }
  }
  if (!spec.type) errors.push(required("spec.type"));
  else if (!types.includes(spec.type)) errors.push(notSupported("spec.type", spec.type, types));
  validateRepeats(spec, errors);
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (ranges.length > 0 && spec.type !== "LoadBalancer") {
    errors.push(forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'"));
  }
  for (const [i, range] of ranges.entries()) {
    if (!isCidr(range.trim())) {
      errors.push(
        invalid(
          `spec.LoadBalancerSourceRanges[${i}]`,
          range,
          "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
        ),
      );
    }
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== "LoadBalancer") {
    errors.push(
      forbidden("spec.allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'"),
    );
  }
  if (spec.loadBalancerClass !== undefined) {
    if (spec.type !== "LoadBalancer") {
      errors.push(forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'"));
    } else {
      for (const text of isQualifiedName(spec.loadBalancerClass)) {
        errors.push(invalid("spec.loadBalancerClass", spec.loadBalancerClass, text));
      }
    }
  }
  validateTraffic(spec, errors);
  return errors;
}

function validateExternalName(spec: ServiceSpec, errors: FieldError[]): void {
  const text = "may not be set for ExternalName services";
  if (spec.clusterIPs?.length) errors.push(forbidden("spec.clusterIPs", text));
  if (spec.ipFamilies?.length) errors.push(forbidden("spec.ipFamilies", text));
  if (spec.ipFamilyPolicy) errors.push(forbidden("spec.ipFamilyPolicy", text));
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") errors.push(required("spec.externalName"));
  else for (const each of isDns1123Subdomain(name)) errors.push(invalid("spec.externalName", name, each));
}

function validateAffinity(spec: ServiceSpec, errors: FieldError[]): void {
  const affinity = spec.sessionAffinity;
  if (!affinity) errors.push(required("spec.sessionAffinity"));
  else if (affinity !== "ClientIP" && affinity !== "None") {
    errors.push(notSupported("spec.sessionAffinity", affinity, ["ClientIP", "None"]));
  }
  const path = "spec.sessionAffinityConfig";
  if (affinity === "ClientIP") {
    const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
    if (seconds === undefined) errors.push(required(path, "when session affinity type is ClientIP"));
    else if (seconds <= 0 || seconds > 86_400) {
      errors.push(
        invalid(`${path}.clientIP.timeoutSeconds`, seconds, "must be greater than 0 and less than 86400"),
      );
    }
  } else if (affinity === "None" && spec.sessionAffinityConfig) {
    errors.push(forbidden(path, "must not be set when session affinity is None"));
  }
}

function validateClusterIps(spec: ServiceSpec, errors: FieldError[]): void {
  const path = "spec.clusterIPs";
  const all = spec.clusterIPs ?? [];
  if (spec.clusterIP && all.length === 0) errors.push(required(path));
  if (spec.clusterIP && all.length > 0 && all[0] !== spec.clusterIP) {
    errors.push(invalid(path, all, "first value must match `clusterIP`"));
  }
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    if (family !== "IPv4" && family !== "IPv6") {
      errors.push(notSupported(`spec.ipFamilies[${i}]`, family, ["IPv4", "IPv6"]));
    } else if (spec.ipFamilies?.indexOf(family) !== i)
      errors.push(duplicate(`spec.ipFamilies[${i}]`, family));
  }
  const policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
  if (spec.ipFamilyPolicy && !policies.includes(spec.ipFamilyPolicy)) {
    errors.push(notSupported("spec.ipFamilyPolicy", spec.ipFamilyPolicy, policies));
  }
  if (all.length > 2) errors.push(invalid(path, all, "may only hold up to 2 values"));
  for (const [i, ip] of all.entries()) {
    if (ip === "None") {
      if (all.length > 1) errors.push(invalid(path, all, "'None' must be the first and only value"));
      return;
    }
    if (!isAddress(ip)) {
      errors.push(
        invalid(`${path}[${i}]`, ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
      );
    }
  }
  if (all.length === 2 && isIpv4(all[0] ?? "") === isIpv4(all[1] ?? "")) {
    errors.push(invalid(path, all, "may specify no more than one IP for each IP family"));
  }
}

function validateRepeats(spec: ServiceSpec, errors: FieldError[]): void {
  const nodePorts = new Set<string>();
  const ports = new Set<string>();
  for (const [i, port] of (spec.ports ?? []).entries()) {
    const path = `spec.ports[${i}]`;
    if (port.nodePort) {
      if (spec.type === "ClusterIP") {
        errors.push(forbidden(`${path}.nodePort`, "may not be used when `type` is 'ClusterIP'"));
      }
      const text = `${port.protocol}/${port.nodePort}`;
      if (nodePorts.has(text)) errors.push(duplicate(`${path}.nodePort`, port.nodePort));
      nodePorts.add(text);
    }
    const text = `${port.protocol}/${port.port}`;
    if (ports.has(text)) {
      errors.push(
        duplicate(path, {
          Name: "",
          Protocol: port.protocol,
          AppProtocol: null,
          Port: port.port,
          TargetPort: 0,
          NodePort: 0,
        }),
      );
    }
    ports.add(text);
  }
}

function validateTraffic(spec: ServiceSpec, errors: FieldError[]): void {
  const policy = spec.externalTrafficPolicy;
  const path = "spec.externalTrafficPolicy";
  if (!isExternal(spec)) {
    if (policy) errors.push(invalid(path, policy, "may only be set for externally-accessible services"));
  } else if (!policy) errors.push(required(path));
  else if (policy !== "Cluster" && policy !== "Local")
    errors.push(notSupported(path, policy, ["Cluster", "Local"]));
  const health = spec.healthCheckNodePort ?? 0;
  if (!needsHealthCheckPort(spec) && health !== 0) {
    errors.push(
      invalid(
        "spec.healthCheckNodePort",
        health,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    );
  }
  const inner = spec.internalTrafficPolicy;
  if (inner === undefined) {
    if (spec.type !== "ExternalName") errors.push(required("spec.internalTrafficPolicy"));
  } else if (inner !== "Cluster" && inner !== "Local") {
    errors.push(notSupported("spec.internalTrafficPolicy", inner, ["Cluster", "Local"]));
  }
  const distribution = spec.trafficDistribution;
  const distributions = ["PreferClose", "PreferSameNode", "PreferSameZone"];
  if (distribution !== undefined && !distributions.includes(distribution)) {
    errors.push(notSupported("spec.trafficDistribution", distribution, distributions));
  }
}

export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors: FieldError[] = [];
  const spec = service.spec ?? {};
  const before = old.spec ?? {};
  if (before.type === "ExternalName" || spec.type === "ExternalName") return errors;
  const primary = before.clusterIPs?.[0];
  if (primary && spec.clusterIPs?.[0] !== primary) {
    errors.push(invalid("spec.clusterIPs[0]", spec.clusterIPs ?? null, "may not change once set"));
  }
  const second = before.clusterIPs?.[1];
  if (second && spec.clusterIPs?.[1] && spec.clusterIPs[1] !== second) {
    errors.push(invalid("spec.clusterIPs[1]", spec.clusterIPs, "may not change once set"));
  }
  const family = before.ipFamilies?.[0];
  if (family && spec.ipFamilies?.[0] !== family) {
    errors.push(invalid("spec.ipFamilies[0]", spec.ipFamilies ?? null, "may not change once set"));
  }
  if (
    before.type === "LoadBalancer" &&
    spec.type === "LoadBalancer" &&
    before.loadBalancerClass !== spec.loadBalancerClass
  ) {
    errors.push(invalid("spec.loadBalancerClass", spec.loadBalancerClass, "may not change once set"));
  }
  return errors;
}

const oldHints = "service.kubernetes.io/topology-aware-hints";

/** What a Service says that is allowed and yet without effect, or soon gone. */
export function serviceWarnings({ metadata, spec }: Service): string[] {
  const { type, clusterIP, externalIPs = [], externalName, loadBalancerIP, sessionAffinity } = spec ?? {};
  const external = type === "ExternalName";
  const headless = clusterIP === "None" && type === "ClusterIP";
  const warnings: string[] = [];
  if (metadata?.annotations?.[oldHints] !== undefined) {
    warnings.push(
      `annotation ${oldHints} is deprecated, please use service.kubernetes.io/topology-mode instead`,
    );
  }
  if (headless) {
    if (loadBalancerIP) warnings.push("spec.loadBalancerIP is ignored for headless services");
    if (externalIPs.length > 0) warnings.push("spec.externalIPs is ignored for headless services");
    if (sessionAffinity !== "None") warnings.push("spec.SessionAffinity is ignored for headless services");
  }
  if (externalIPs.length > 0 && !headless && !external) {
    warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  }
  if (external && externalIPs.length > 0) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (!external && externalName) {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (spec?.trafficDistribution === "PreferClose") {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return warnings;
}
