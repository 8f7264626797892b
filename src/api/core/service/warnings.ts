/** Warnings for ineffective, unusual or deprecated fields of Services. */
import type { Service } from "../../generated/types.ts";
import { addressWarnings, cidrWarnings } from "../address-rules.ts";
import { oldHints } from "./rules.ts";
import { specOf } from "./types.ts";

export function serviceWarnings(service: Service): string[] {
  const spec = specOf(service);
  const { type, clusterIP = "", externalIPs = [], externalName, loadBalancerIP, sessionAffinity } = spec;
  const external = type === "ExternalName";
  const headless = clusterIP === "None" && type === "ClusterIP";
  const warnings: string[] = [];
  if (service.metadata?.annotations?.[oldHints] !== undefined)
    warnings.push(
      `annotation ${oldHints} is deprecated, please use service.kubernetes.io/topology-mode instead`,
    );
  if (clusterIP !== "" && clusterIP !== "None")
    for (const [i, address] of (spec.clusterIPs ?? []).entries())
      warnings.push(...addressWarnings(`spec.clusterIPs[${i}]`, address));
  if (headless) {
    if (loadBalancerIP) warnings.push("spec.loadBalancerIP is ignored for headless services");
    if (externalIPs.length > 0) warnings.push("spec.externalIPs is ignored for headless services");
    if (sessionAffinity !== "None") warnings.push("spec.SessionAffinity is ignored for headless services");
  }
  for (const [i, address] of externalIPs.entries())
    warnings.push(...addressWarnings(`spec.externalIPs[${i}]`, address));
  if (externalIPs.length > 0 && !headless && !external)
    warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  if (loadBalancerIP) warnings.push(...addressWarnings("spec.loadBalancerIP", loadBalancerIP));
  for (const [i, range] of (spec.loadBalancerSourceRanges ?? []).entries())
    warnings.push(...cidrWarnings(`spec.loadBalancerSourceRanges[${i}]`, range));
  if (external && externalIPs.length > 0)
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (!external && externalName)
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.trafficDistribution === "PreferClose")
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return warnings;
}
