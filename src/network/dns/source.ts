import type { ServiceCache } from "../service-cache.ts";
import type { DnsSource } from "./records.ts";

/** Indexes of the informers' caches for DNS: without a zone, changes are free. */
export function dnsSource(cache: ServiceCache): DnsSource {
  const { services, endpointSlices } = cache;
  services.addIndex("namespace", (service) => [service.metadata?.namespace ?? ""]);
  services.addIndex("address", (service) => (service.spec?.clusterIPs ?? []).filter((ip) => ip !== "None"));
  endpointSlices.addIndex("address", (slice) => (slice.endpoints ?? []).flatMap((e) => e.addresses));
  return {
    service: (key) => services.get(key),
    slicesOf: cache.slicesOf,
    hasNamespace: (name) => services.byIndex("namespace", name).length > 0,
    servicesAt: (address) => services.byIndex("address", address),
    slicesAt: (address) => endpointSlices.byIndex("address", address),
  };
}
