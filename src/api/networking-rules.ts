/** What Ingress, IngressClass, NetworkPolicy, ServiceCIDR and IPAddress may hold. */
import {
  forbidden,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  isPathSegmentName,
  isPortName,
  isPortNumber,
  isWildcardDns1123Subdomain,
  notSupported,
  required,
} from "../machinery/index.ts";
import { isAddress, isCidr, isIpv6 } from "./core/address.ts";
import type { FieldError } from "./definition.ts";
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  ServiceCIDR,
} from "./generated/types.ts";
import { validateLabelSelector } from "./metadata.ts";

type Rule = (value: string) => readonly string[];

function each(rule: Rule, path: string, value: string, errors: FieldError[]): void {
  for (const text of rule(value)) errors.push(invalid(path, value, text));
}

function validateBackend(backend: IngressBackend, path: string, errors: FieldError[]): void {
  const { service, resource } = backend;
  if (service && resource) {
    errors.push(invalid(path, "", "cannot set both resource and service backends"));
  } else if (resource) {
    if (!resource.kind) errors.push(required(`${path}.resource.kind`));
    if (!resource.name) errors.push(required(`${path}.resource.name`));
  } else if (service) {
    if (!service.name) errors.push(required(`${path}.service.name`));
    else each(isDns1123Label, `${path}.service.name`, service.name, errors);
    const { name, number } = service.port ?? {};
    if (name && number) errors.push(invalid(path, "", "cannot set both port name & port number"));
    else if (name) each(isPortName, `${path}.service.port.name`, name, errors);
    else if (number) {
      for (const text of isPortNumber(number))
        errors.push(invalid(`${path}.service.port.number`, number, text));
    } else errors.push(required(path, "port name or number is required"));
  } else errors.push(invalid(path, "", "resource or service backend is required"));
}

const pathTypes = ["Exact", "ImplementationSpecific", "Prefix"];
const notInPath = ["//", "/./", "/../", "%2f", "%2F"];
const notAtEnd = ["/..", "/."];

function validatePath(given: HTTPIngressPath, here: string, errors: FieldError[]): void {
  const path = given.path ?? "";
  const absolute = "must be an absolute path";
  switch (given.pathType) {
    case undefined:
      errors.push(required(`${here}.pathType`, "pathType must be specified"));
      break;
    case "Exact":
    case "Prefix":
      if (!path.startsWith("/")) errors.push(invalid(`${here}.path`, path, absolute));
      if (path === "") break;
      for (const part of notInPath) {
        if (path.includes(part)) errors.push(invalid(`${here}.path`, path, `must not contain '${part}'`));
      }
      for (const end of notAtEnd) {
        if (path.endsWith(end)) errors.push(invalid(`${here}.path`, path, `cannot end with '${end}'`));
      }
      break;
    case "ImplementationSpecific":
      if (path !== "" && !path.startsWith("/")) errors.push(invalid(`${here}.path`, path, absolute));
      break;
    default:
      errors.push(notSupported(`${here}.pathType`, given.pathType, pathTypes));
  }
  validateBackend(given.backend ?? {}, `${here}.backend`, errors);
}

function validateHost(host: string, path: string, errors: FieldError[]): void {
  if (isAddress(host)) errors.push(invalid(path, host, "must be a DNS name, not an IP address"));
  else each(host.includes("*") ? isWildcardDns1123Subdomain : isDns1123Subdomain, path, host, errors);
}

export function validateIngress(ingress: Ingress): FieldError[] {
  const errors: FieldError[] = [];
  const spec = ingress.spec ?? {};
  const rules = spec.rules ?? [];
  if (rules.length === 0 && !spec.defaultBackend) {
    errors.push(invalid("spec", spec.rules ?? null, "either `defaultBackend` or `rules` must be specified"));
  }
  if (spec.defaultBackend) validateBackend(spec.defaultBackend, "spec.defaultBackend", errors);
  for (const [i, { host, http }] of rules.entries()) {
    if (host) validateHost(host, `spec.rules[${i}].host`, errors);
    if (!http) continue;
    const paths = http.paths ?? [];
    if (paths.length === 0) errors.push(required(`spec.rules[${i}].http.paths`));
    for (const [j, path] of paths.entries()) validatePath(path, `spec.rules[${i}].http.paths[${j}]`, errors);
  }
  for (const [i, { hosts = [] }] of (spec.tls ?? []).entries()) {
    for (const [j, host] of hosts.entries()) {
      const rule = host.includes("*") ? isWildcardDns1123Subdomain : isDns1123Subdomain;
      each(rule, `spec.tls[${i}].hosts[${j}]`, host, errors);
    }
  }
  if (spec.ingressClassName !== undefined)
    each(isDns1123Subdomain, "spec.ingressClassName", spec.ingressClassName, errors);
  return errors;
}

/** `acme.io/foo` */
export function isDomainPrefixed(value: string): boolean {
  const slash = value.indexOf("/");
  return slash > 0 && slash < value.length - 1 && isDns1123Subdomain(value.slice(0, slash)).length === 0;
}

export function validateIngressClass(ingressClass: IngressClass): FieldError[] {
  const errors: FieldError[] = [];
  const { controller, parameters } = ingressClass.spec ?? {};
  if (!controller) errors.push(required("spec.controller"));
  else if (!isDomainPrefixed(controller)) {
    errors.push(
      invalid("spec.controller", controller, 'must be a domain-prefixed path (such as "acme.io/foo")'),
    );
  }
  if (!parameters) return errors;
  const path = "spec.parameters";
  if (!parameters.kind) errors.push(required(`${path}.kind`));
  if (!parameters.name) errors.push(required(`${path}.name`));
  const { scope, namespace } = parameters;
  const because = `\`parameters.scope\` is set to '${scope}'`;
  if (scope === "Cluster" && namespace !== undefined) errors.push(forbidden(`${path}.namespace`, because));
  else if (scope === "Namespace" && !namespace) errors.push(required(`${path}.namespace`, because));
  else if (scope && scope !== "Cluster" && scope !== "Namespace")
    errors.push(notSupported(`${path}.scope`, scope, ["Cluster", "Namespace"]));
  return errors;
}

const protocols = ["TCP", "UDP", "SCTP"];

function validatePolicyPort(given: NetworkPolicyPort, path: string, errors: FieldError[]): void {
  const { protocol, port, endPort } = given;
  if (protocol !== undefined && !protocols.includes(protocol))
    errors.push(notSupported(`${path}.protocol`, protocol, protocols));
  if (port === undefined) {
    if (endPort !== undefined)
      errors.push(invalid(`${path}.endPort`, endPort, "may not be specified when `port` is not specified"));
  } else if (typeof port === "number") {
    for (const text of isPortNumber(port)) errors.push(invalid(`${path}.port`, port, text));
    if (endPort !== undefined) {
      if (endPort < port)
        errors.push(invalid(`${path}.endPort`, port, "must be greater than or equal to `port`"));
      for (const text of isPortNumber(endPort)) errors.push(invalid(`${path}.endPort`, endPort, text));
    }
  } else {
    if (endPort !== undefined)
      errors.push(invalid(`${path}.endPort`, endPort, "may not be specified when `port` is non-numeric"));
    each(isPortName, `${path}.port`, port, errors);
  }
}

const cidrText = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/** The network's bits as text, for comparison of prefixes. */
function bitsOf(cidr: string): { bits: string; length: number } {
  const [address = "", length = "0"] = cidr.split("/");
  let bits = "";
  if (isIpv6(address)) {
    const [head = "", tail = ""] = address.split("::");
    const left = head === "" ? [] : head.split(":");
    const right = tail === "" ? [] : tail.split(":");
    const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => "0"), ...right];
    for (const group of groups) bits += Number.parseInt(group, 16).toString(2).padStart(16, "0");
  } else for (const part of address.split(".")) bits += Number(part).toString(2).padStart(8, "0");
  return { bits, length: Number(length) };
}

function strictlyInside(inner: string, outer: string): boolean {
  const a = bitsOf(inner);
  const b = bitsOf(outer);
  return (
    a.bits.length === b.bits.length &&
    a.length > b.length &&
    a.bits.slice(0, b.length) === b.bits.slice(0, b.length)
  );
}

function validatePeer(peer: NetworkPolicyPeer, path: string, errors: FieldError[]): void {
  let given = 0;
  for (const member of ["podSelector", "namespaceSelector"] as const) {
    if (!peer[member]) continue;
    given++;
    validateLabelSelector(peer[member], `${path}.${member}`, errors);
  }
  if (peer.ipBlock) {
    given++;
    const { cidr, except = [] } = peer.ipBlock;
    const here = `${path}.ipBlock`;
    if (!cidr) errors.push(required(`${here}.cidr`));
    else if (!isCidr(cidr)) errors.push(invalid(`${here}.cidr`, cidr, cidrText));
    else {
      for (const [i, range] of except.entries()) {
        if (!isCidr(range)) errors.push(invalid(`${here}.except[${i}]`, range, cidrText));
        else if (!strictlyInside(range, cidr))
          errors.push(invalid(`${here}.except[${i}]`, range, "must be a strict subset of `cidr`"));
      }
    }
  }
  if (given === 0) errors.push(required(path, "must specify a peer"));
  else if (given > 1 && peer.ipBlock)
    errors.push(forbidden(path, "may not specify both ipBlock and another peer"));
}

export function validateNetworkPolicy(policy: NetworkPolicy): FieldError[] {
  const errors: FieldError[] = [];
  const spec = policy.spec;
  if (!spec) return errors;
  validateLabelSelector(spec.podSelector, "spec.podSelector", errors);
  const direction = (
    name: string,
    rules: readonly { ports?: NetworkPolicyPort[]; peers: NetworkPolicyPeer[] }[],
    peers: string,
  ): void => {
    for (const [i, rule] of rules.entries()) {
      for (const [j, port] of (rule.ports ?? []).entries())
        validatePolicyPort(port, `spec.${name}[${i}].ports[${j}]`, errors);
      for (const [j, peer] of rule.peers.entries())
        validatePeer(peer, `spec.${name}[${i}].${peers}[${j}]`, errors);
    }
  };
  const ingress = (spec.ingress ?? []).map(({ ports = [], from = [] }) => ({ ports, peers: from }));
  const egress = (spec.egress ?? []).map(({ ports = [], to = [] }) => ({ ports, peers: to }));
  direction("ingress", ingress, "from");
  direction("egress", egress, "to");
  const types = spec.policyTypes ?? [];
  if (types.length > 2) {
    errors.push(invalid("spec.policyTypes", types, "may not specify more than two policyTypes"));
    return errors;
  }
  for (const [i, type] of types.entries()) {
    if (type !== "Ingress" && type !== "Egress")
      errors.push(notSupported(`spec.policyTypes[${i}]`, type, ["Ingress", "Egress"]));
  }
  return errors;
}

export function validateServiceCidr(each: ServiceCIDR): FieldError[] {
  const errors: FieldError[] = [];
  const path = "spec.cidrs";
  const cidrs = each.spec?.cidrs ?? [];
  if (cidrs.length === 0) return [required(path, "at least one CIDR required")];
  if (cidrs.length > 2) return [invalid(path, { CIDRs: cidrs }, "may only hold up to 2 values")];
  for (const [i, cidr] of cidrs.entries()) {
    if (!isCidr(cidr)) errors.push(invalid(`${path}[${i}]`, cidr, cidrText));
    else {
      const { bits, length } = bitsOf(cidr);
      if (bits.slice(length).includes("1"))
        errors.push(invalid(`${path}[${i}]`, cidr, "must not have bits set beyond the prefix length"));
    }
  }
  const [first, second] = cidrs;
  if (errors.length === 0 && first && second && first.includes(":") === second.includes(":")) {
    errors.push(
      invalid(
        path,
        cidrs,
        "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
      ),
    );
  }
  return errors;
}

export function validateIpAddress(address: IPAddress): FieldError[] {
  const errors: FieldError[] = [];
  const parent = address.spec?.parentRef;
  const path = "spec.parentRef";
  if (!parent) return [required(path)];
  if (parent.group) each(isDns1123Subdomain, `${path}.group`, parent.group, errors);
  if (!parent.resource) errors.push(required(`${path}.resource`));
  else each(isPathSegmentName, `${path}.resource`, parent.resource, errors);
  if (!parent.name) errors.push(required(`${path}.name`));
  else each(isPathSegmentName, `${path}.name`, parent.name, errors);
  if (parent.namespace) each(isPathSegmentName, `${path}.namespace`, parent.namespace, errors);
  return errors;
}

/** Names of IPAddress objects are addresses in their canonical form. */
export const isAddressName = (value: string): readonly string[] =>
  isAddress(value) ? [] : ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"];
