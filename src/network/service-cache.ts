import type { EndpointSlice, Service } from "../api/index.ts";
import { type Client, type ComponentContext, createInformer, type Informer } from "../client/index.ts";

/** The two kinds that the whole part lives on, watched once for proxy, DNS and load balancer together. */
export interface ServiceCache {
  services: Informer<Service>;
  endpointSlices: Informer<EndpointSlice>;
  slicesOf(service: string): EndpointSlice[];
  synced: Promise<void>;
}

export function watchServices(context: ComponentContext, client: Client): ServiceCache {
  const { clock, log, signal } = context;
  // Traffic follows this: after the API server was away, a second is the most it may stay behind.
  const base = { clock, log, signal, maxBackOffMs: 1_000 };
  const services = createInformer({ ...base, resource: client.services });
  const endpointSlices = createInformer({ ...base, resource: client.endpointSlices });
  endpointSlices.addIndex("service", (slice) => {
    const service = slice.metadata?.labels?.["kubernetes.io/service-name"];
    return service ? [`${slice.metadata?.namespace}/${service}`] : [];
  });
  return {
    services,
    endpointSlices,
    slicesOf: (service) => [...endpointSlices.byIndex("service", service)],
    synced: Promise.all([services.synced, endpointSlices.synced]).then(() => undefined),
  };
}
