import type { EndpointSlice, Service } from "../api/index.ts";
import { type Client, type ComponentContext, createInformer, type Informer } from "../client/index.ts";

/** The informers shared by proxy, DNS and load balancer. */
export interface ServiceCache {
  services: Informer<Service>;
  endpointSlices: Informer<EndpointSlice>;
  slicesOf(service: string): EndpointSlice[];
  synced: Promise<void>;
}

export function watchServices(context: ComponentContext, client: Client): ServiceCache {
  const { clock, log, signal } = context;
  // Traffic depends on it: after an outage of the API server, the delay is a second at most.
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
