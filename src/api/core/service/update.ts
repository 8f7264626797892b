/** Validation of updates of Services and their status. */
import { forbidden, invalid, isDns1123Subdomain, notSupported, required } from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import { each } from "../../field-rules.ts";
import type { Service } from "../../generated/types.ts";
import { addressWarnings, legacyAddressProblems, parseAddress } from "../address-rules.ts";
import { checkClass, serviceProblems } from "./rules.ts";
import { isHeadless, needsHealthCheckPort, specOf } from "./types.ts";

const set = "may not change once set";

export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors: FieldError[] = [];
  const [spec, before] = [specOf(service), specOf(old)];
  if (spec.type !== "ExternalName" && before.type !== "ExternalName") {
    checkAddresses(service, old, errors);
    checkFamilies(service, old, errors);
  }
  if (
    before.type === "LoadBalancer" &&
    spec.type === "LoadBalancer" &&
    before.loadBalancerClass !== spec.loadBalancerClass
  )
    errors.push(invalid("spec.loadBalancerClass", spec.loadBalancerClass ?? null, set));
  checkClass(spec, errors);
  if (
    needsHealthCheckPort(before) &&
    needsHealthCheckPort(spec) &&
    (spec.healthCheckNodePort ?? 0) !== (before.healthCheckNodePort ?? 0)
  )
    errors.push(forbidden("spec.healthCheckNodePort", "field is immutable"));
  return [...errors, ...serviceProblems(service, old)];
}

/** The first address is immutable; a second may be added, and removed with its family. */
function checkAddresses(service: Service, old: Service, errors: FieldError[]): void {
  const [spec, before] = [specOf(service), specOf(old)];
  if (isHeadless(spec) && isHeadless(before)) return;
  const [addresses, known] = [spec.clusterIPs ?? [], before.clusterIPs ?? []];
  const shown = spec.clusterIPs ?? null;
  const path = "spec.clusterIPs";
  if (addresses.length === known.length) {
    for (const [i, address] of known.entries())
      if (address !== addresses[i]) errors.push(invalid(`${path}[${i}]`, shown, set));
    return;
  }
  if (addresses.length === 0) errors.push(invalid(`${path}[0]`, shown, "primary clusterIP can not be unset"));
  else if (known.length > 0 && addresses[0] !== known[0]) errors.push(invalid(`${path}[0]`, shown, set));
  if (known.length > addresses.length && addresses.length === 1 && spec.ipFamilyPolicy !== "SingleStack") {
    const text = "must be set to 'SingleStack' when releasing the secondary clusterIP";
    errors.push(invalid("spec.ipFamilyPolicy", spec.ipFamilyPolicy ?? null, text));
  }
}

function checkFamilies(service: Service, old: Service, errors: FieldError[]): void {
  const [spec, before] = [specOf(service), specOf(old)];
  if (isHeadless(spec) || isHeadless(before)) return;
  const [families, known] = [spec.ipFamilies ?? [], before.ipFamilies ?? []];
  const path = "spec.ipFamilies[0]";
  if (families.length === known.length) {
    for (const [i, family] of known.entries())
      if (family !== families[i]) errors.push(invalid(path, families, set));
    return;
  }
  const released = known.length > families.length;
  if (released && !spec.clusterIPs?.length)
    errors.push(invalid(path, spec.ipFamilies ?? null, "primary ipFamily can not be unset"));
  if (families.length > 0 && known.length > 0 && families[0] !== known[0])
    errors.push(invalid(path, spec.clusterIPs ?? null, set));
  if (released && families.length === 1 && spec.ipFamilyPolicy !== "SingleStack") {
    const text = "must be set to 'SingleStack' when releasing the secondary ipFamily";
    errors.push(invalid("spec.ipFamilyPolicy", spec.ipFamilyPolicy ?? null, text));
  }
}

export function validateServiceStatus(service: Service, old: Service): FieldError[] {
  const path = "status.loadBalancer.ingress";
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  if (service.spec?.type !== "LoadBalancer" && ingress.length > 0)
    return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  const errors: FieldError[] = [];
  const known = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  for (const [i, { ip, ipMode, hostname }] of ingress.entries()) {
    const here = `${path}[${i}]`;
    if (ip) errors.push(...legacyAddressProblems(`${here}.ip`, ip, known));
    if (ipMode === undefined) {
      if (ip) errors.push(required(`${here}.ipMode`, "must be specified when `ip` is set"));
    } else if (!ip) errors.push(forbidden(`${here}.ipMode`, "may not be specified when `ip` is not set"));
    else if (ipMode !== "VIP" && ipMode !== "Proxy")
      errors.push(notSupported(`${here}.ipMode`, ipMode, ["Proxy", "VIP"]));
    if (!hostname) continue;
    each(isDns1123Subdomain, `${here}.hostname`, hostname, errors);
    if (parseAddress(hostname))
      errors.push(invalid(`${here}.hostname`, hostname, "must be a DNS name, not an IP address"));
  }
  return errors;
}

export const serviceStatusWarnings = (service: Service): string[] =>
  (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }, i) =>
    ip ? addressWarnings(`status.loadBalancer.ingress[${i}]`, ip) : [],
  );
