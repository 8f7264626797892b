/** Validation of Services, at creation and update. */
import {
  duplicate,
  forbidden,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  isPortName,
  isPortNumber,
  isQualifiedName,
  notSupported,
  notSupportedText,
  required,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import { each } from "../../field-rules.ts";
import type { Service, ServicePort, ServiceSpec } from "../../generated/types.ts";
import { given } from "../../given.ts";
import { validateLabels } from "../../metadata.ts";
import { endpointAddressProblems, legacyAddressProblems, legacyCidrProblems } from "../address-rules.ts";
import { familyProblems } from "./families.ts";
import { isExternal, isHeadless, needsHealthCheckPort, specOf } from "./types.ts";

const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const protocols = ["SCTP", "TCP", "UDP"];
const policies = ["Cluster", "Local"];
const balancerOnly = "may only be used when `type` is 'LoadBalancer'";
/** Maximum timeout of session affinity (seconds). */
const longestAffinity = 86_400;

export const oldHints = "service.kubernetes.io/topology-aware-hints";
const topologyMode = "service.kubernetes.io/topology-mode";
const sourceRanges = "service.beta.kubernetes.io/load-balancer-source-ranges";

export function serviceProblems(service: Service, old: Service | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const spec = specOf(service);
  const annotations = service.metadata?.annotations ?? {};
  const [hints, mode] = [annotations[oldHints], annotations[topologyMode]];
  if (mode !== undefined && hints !== undefined && mode !== hints) {
    const text = `must match annotations[${oldHints}] when both are specified`;
    errors.push(invalid(`metadata.annotations[${topologyMode}]`, mode, text));
  }
  const ports = spec.ports ?? [];
  const headless = isHeadless(spec);
  if (ports.length === 0 && !headless && spec.type !== "ExternalName") errors.push(required("spec.ports"));
  if (headless && (spec.type === "LoadBalancer" || spec.type === "NodePort"))
    errors.push(invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${spec.type} services`));
  if (spec.type === "ExternalName") checkExternalName(spec, errors);
  const names = new Set<string>();
  for (const [i, port] of ports.entries())
    checkPort(port, ports.length > 1, names, `spec.ports[${i}]`, errors);
  validateLabels(spec.selector, "spec.selector", errors);
  checkAffinity(spec, errors);
  errors.push(...familyProblems(service, old));
  for (const [i, ip] of (spec.externalIPs ?? []).entries()) {
    const path = `spec.externalIPs[${i}]`;
    const wrong = legacyAddressProblems(path, ip, old?.spec?.externalIPs);
    errors.push(...(wrong.length > 0 ? wrong : endpointAddressProblems(path, ip)));
  }
  if (!spec.type) errors.push(required("spec.type"));
  else if (!types.includes(spec.type)) errors.push(notSupported("spec.type", spec.type, types));
  checkRepeats(spec, errors);
  checkSourceRanges(service, old, errors);
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== "LoadBalancer")
    errors.push(forbidden("spec.allocateLoadBalancerNodePorts", balancerOnly));
  checkClass(spec, errors);
  checkTraffic(spec, errors);
  return errors;
}

function checkExternalName(spec: ServiceSpec, errors: FieldError[]): void {
  const text = "may not be set for ExternalName services";
  if (spec.clusterIPs?.length) errors.push(forbidden("spec.clusterIPs", text));
  if (spec.ipFamilies?.length) errors.push(forbidden("spec.ipFamilies", text));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbidden("spec.ipFamilyPolicy", text));
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") errors.push(required("spec.externalName"));
  else each(isDns1123Subdomain, "spec.externalName", name, errors);
}

function checkPort(
  port: ServicePort,
  needsName: boolean,
  names: Set<string>,
  path: string,
  errors: FieldError[],
): void {
  if (port.name) {
    each(isDns1123Label, `${path}.name`, port.name, errors);
    if (names.has(port.name)) errors.push(duplicate(`${path}.name`, port.name));
    names.add(port.name);
  } else if (needsName) errors.push(required(`${path}.name`));
  // A missing port is zero.
  const number = given(port).port ?? 0;
  for (const text of isPortNumber(number)) errors.push(invalid(`${path}.port`, number, text));
  if (!port.protocol) errors.push(required(`${path}.protocol`));
  else if (!protocols.includes(port.protocol))
    errors.push(notSupported(`${path}.protocol`, port.protocol, protocols));
  const target = port.targetPort ?? 0;
  for (const text of typeof target === "string" ? isPortName(target) : isPortNumber(target))
    errors.push(invalid(`${path}.targetPort`, target, text));
  if (port.appProtocol !== undefined) each(isQualifiedName, `${path}.appProtocol`, port.appProtocol, errors);
}

function checkAffinity(spec: ServiceSpec, errors: FieldError[]): void {
  const affinity = spec.sessionAffinity;
  if (!affinity) errors.push(required("spec.sessionAffinity"));
  else if (affinity !== "ClientIP" && affinity !== "None")
    errors.push(notSupported("spec.sessionAffinity", affinity, ["ClientIP", "None"]));
  const path = "spec.sessionAffinityConfig";
  if (affinity === "ClientIP") {
    const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
    if (seconds === undefined) errors.push(required(path, "when session affinity type is ClientIP"));
    else if (seconds <= 0 || seconds > longestAffinity) {
      const text = `must be greater than 0 and less than ${longestAffinity}`;
      errors.push(invalid(`${path}.clientIP.timeoutSeconds`, seconds, text));
    }
  } else if (affinity === "None" && spec.sessionAffinityConfig)
    errors.push(forbidden(path, "must not be set when session affinity is None"));
}

/** Unique ports and node ports per protocol. */
function checkRepeats(spec: ServiceSpec, errors: FieldError[]): void {
  const all = [...(spec.ports ?? []).entries()];
  if (spec.type === "ClusterIP") {
    for (const [i, { nodePort }] of all)
      if (nodePort)
        errors.push(forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
  }
  const nodePorts = new Set<string>();
  for (const [i, { protocol, nodePort }] of all) {
    if (!nodePort) continue;
    const key = `${protocol}/${nodePort}`;
    if (nodePorts.has(key)) errors.push(duplicate(`spec.ports[${i}].nodePort`, nodePort));
    nodePorts.add(key);
  }
  const ports = new Set<string>();
  for (const [i, one] of all) {
    const { protocol = "", port = 0 } = given(one);
    const key = `${protocol}/${port}`;
    if (ports.has(key)) {
      const shown = {
        Name: "",
        Protocol: protocol,
        AppProtocol: null,
        Port: port,
        TargetPort: 0,
        NodePort: 0,
      };
      errors.push(duplicate(`spec.ports[${i}]`, shown));
    }
    ports.add(key);
  }
}

/** The field's values, or those of the annotation it replaced. */
function checkSourceRanges(service: Service, old: Service | undefined, errors: FieldError[]): void {
  const spec = specOf(service);
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const trimmed = (list: readonly string[]): string[] => list.map((range) => range.trim());
  if (ranges.length > 0) {
    const path = "spec.LoadBalancerSourceRanges";
    if (spec.type !== "LoadBalancer") errors.push(forbidden(path, balancerOnly));
    const known = trimmed(old?.spec?.loadBalancerSourceRanges ?? []);
    for (const [i, range] of trimmed(ranges).entries())
      errors.push(...legacyCidrProblems(`${path}[${i}]`, range, known));
    return;
  }
  const annotation = service.metadata?.annotations?.[sourceRanges];
  if (annotation === undefined) return;
  const path = `metadata.annotations[${sourceRanges}]`;
  if (spec.type !== "LoadBalancer") errors.push(forbidden(path, balancerOnly));
  if (annotation.trim() === "" || old?.metadata?.annotations?.[sourceRanges] === annotation) return;
  for (const range of trimmed(annotation.trim().split(","))) errors.push(...legacyCidrProblems(path, range));
}

export function checkClass(spec: ServiceSpec, errors: FieldError[]): void {
  const { loadBalancerClass } = spec;
  if (loadBalancerClass === undefined) return;
  const path = "spec.loadBalancerClass";
  if (spec.type === "LoadBalancer") each(isQualifiedName, path, loadBalancerClass, errors);
  else errors.push(forbidden(path, balancerOnly));
}

function checkTraffic(spec: ServiceSpec, errors: FieldError[]): void {
  const policy = spec.externalTrafficPolicy;
  const path = "spec.externalTrafficPolicy";
  if (!isExternal(spec)) {
    if (policy) errors.push(invalid(path, policy, "may only be set for externally-accessible services"));
  } else if (!policy) errors.push(required(path));
  else if (!policies.includes(policy)) errors.push(notSupported(path, policy, policies));
  const health = spec.healthCheckNodePort ?? 0;
  const healthPath = "spec.healthCheckNodePort";
  if (needsHealthCheckPort(spec)) {
    if (health === 0) errors.push(required(healthPath));
    else for (const text of isPortNumber(health)) errors.push(invalid(healthPath, health, text));
  } else if (health !== 0) {
    const text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.push(invalid(healthPath, health, text));
  }
  const inner = spec.internalTrafficPolicy;
  if (inner === undefined) {
    if (spec.type === "ClusterIP" || spec.type === "NodePort" || spec.type === "LoadBalancer")
      errors.push(required("spec.internalTrafficPolicy"));
  } else if (!policies.includes(inner))
    errors.push(notSupported("spec.internalTrafficPolicy", inner, policies));
  const distribution = spec.trafficDistribution;
  const distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"];
  if (distribution !== undefined && !distributions.includes(distribution))
    errors.push(notSupportedText("spec.trafficDistribution", distribution, distributions));
}
