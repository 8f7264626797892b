/** Validation of Ingress and IngressClass. */
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
  notSupportedText,
  required,
  tooLong,
  wasEmptied,
} from "../../machinery/index.ts";
import { addressWarnings, legacyAddressProblems, parseAddress } from "../core/address-rules.ts";
import type { FieldError } from "../definition.ts";
import type { HTTPIngressPath, Ingress, IngressBackend, IngressClass } from "../generated/types.ts";
import { domainPathProblems, each } from "../field-rules.ts";

/** The legacy annotation for the class. */
export const classAnnotation = "kubernetes.io/ingress.class";

/** Group, kind and name of a resource. */
function validateReference(
  { apiGroup, kind, name }: { apiGroup?: string; kind?: string; name?: string },
  path: string,
  errors: FieldError[],
): void {
  if (apiGroup !== undefined) each(isDns1123Subdomain, `${path}.apiGroup`, apiGroup, errors);
  for (const [member, value] of [
    ["kind", kind],
    ["name", name],
  ] as const) {
    if (!value) errors.push(required(`${path}.${member}`));
    else each(isPathSegmentName, `${path}.${member}`, value, errors);
  }
}

function validateBackend(backend: IngressBackend, path: string, errors: FieldError[]): void {
  const { service, resource } = backend;
  if (service && resource) {
    errors.push(invalid(path, "", "cannot set both resource and service backends"));
  } else if (resource) {
    validateReference(resource, `${path}.resource`, errors);
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
  switch (given.pathType ?? undefined) {
    case undefined:
      errors.push(required(`${here}.pathType`, "pathType must be specified"));
      return;
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
  if (parseAddress(host)) errors.push(invalid(path, host, "must be a DNS name, not an IP address"));
  each(host.includes("*") ? isWildcardDns1123Subdomain : isDns1123Subdomain, path, host, errors);
}

export function validateIngress(ingress: Ingress): FieldError[] {
  const errors: FieldError[] = [];
  const spec = ingress.spec ?? {};
  const rules = spec.rules ?? [];
  if (rules.length === 0 && !spec.defaultBackend) {
    errors.push(
      invalid(
        "spec",
        wasEmptied(spec, "rules") ? [] : null,
        "either `defaultBackend` or `rules` must be specified",
      ),
    );
  }
  if (spec.defaultBackend) validateBackend(spec.defaultBackend, "spec.defaultBackend", errors);
  for (const [i, { host, http }] of rules.entries()) {
    if (host) validateHost(host, `spec.rules[${i}].host`, errors);
    if (!http) continue;
    const paths = http.paths ?? [];
    if (paths.length === 0) errors.push(required(`spec.rules[${i}].http.paths`));
    for (const [j, path] of paths.entries()) validatePath(path, `spec.rules[${i}].http.paths[${j}]`, errors);
  }
  for (const [i, { hosts = [], secretName }] of (spec.tls ?? []).entries()) {
    for (const [j, host] of hosts.entries()) {
      const rule = host.includes("*") ? isWildcardDns1123Subdomain : isDns1123Subdomain;
      each(rule, `spec.tls[${i}].hosts[${j}]`, host, errors);
    }
    if (secretName) each(isDns1123Subdomain, `spec.tls[${i}].secretName`, secretName, errors);
  }
  if (spec.ingressClassName !== undefined)
    each(isDns1123Subdomain, "spec.ingressClassName", spec.ingressClassName, errors);
  return errors;
}

/** The legacy annotation must agree with the field. */
export function validateNewIngress({ metadata, spec }: Ingress): FieldError[] {
  const said = metadata?.annotations?.[classAnnotation];
  if (said === undefined || spec?.ingressClassName === undefined || said === spec.ingressClassName) return [];
  return [
    invalid(`annotations.${classAnnotation}`, said, "must match `ingressClassName` when both are specified"),
  ];
}

const isStatusAddress = (
  { ip, hostname }: { ip?: string; hostname?: string },
  path: string,
  known: readonly string[],
): FieldError[] => {
  const errors: FieldError[] = [];
  if (ip) errors.push(...legacyAddressProblems(`${path}.ip`, ip, known));
  if (!hostname) return errors;
  each(isDns1123Subdomain, `${path}.hostname`, hostname, errors);
  if (parseAddress(hostname))
    errors.push(invalid(`${path}.hostname`, hostname, "must be a DNS name, not an IP address"));
  return errors;
};

export function validateIngressStatus(ingress: Ingress, old: Ingress): FieldError[] {
  const known = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  return (ingress.status?.loadBalancer?.ingress ?? []).flatMap((address, i) =>
    isStatusAddress(address, `status.loadBalancer.ingress[${i}]`, known),
  );
}

export const ingressStatusWarnings = (ingress: Ingress): string[] =>
  (ingress.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }, i) =>
    ip ? addressWarnings(`status.loadBalancer.ingress[${i}]`, ip) : [],
  );

const longestController = 250;
const scopes = ["Cluster", "Namespace"];

export function validateIngressClass(ingressClass: IngressClass): FieldError[] {
  const errors: FieldError[] = [];
  const { controller, parameters } = ingressClass.spec ?? {};
  if ((controller?.length ?? 0) > longestController)
    errors.push(tooLong("spec.controller", longestController));
  errors.push(...domainPathProblems("spec.controller", controller));
  if (!parameters) return errors;
  const path = "spec.parameters";
  validateReference(parameters, path, errors);
  const { scope, namespace } = parameters;
  const because = `\`parameters.scope\` is set to '${scope}'`;
  if (scope === undefined) errors.push(required(`${path}.scope`));
  else if (!scopes.includes(scope)) errors.push(notSupportedText(`${path}.scope`, scope, scopes));
  else if (scope === "Cluster" && namespace !== undefined)
    errors.push(forbidden(`${path}.namespace`, because));
  else if (scope === "Namespace") {
    if (namespace === undefined) errors.push(required(`${path}.namespace`, because));
    else each(isDns1123Label, `${path}.namespace`, namespace, errors);
  }
  return errors;
}
