/** Resolves Services for calls of the API server to one of their endpoints, since the server is not in the pod network. */
import type { EndpointSlice, Service } from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import type { ObjectReader } from "../auth-contract.ts";

export interface Endpoint {
  host: string;
  port: number;
}

/** Types with ClusterIPs. */
const routable = new Set(["ClusterIP", "NodePort", "LoadBalancer"]);

const unavailable = (text: string): StatusError => new StatusError("ServiceUnavailable", text);

/** All EndpointSlices of a Service. */
export function slicesOf(objects: ObjectReader, namespace: string, service: string): EndpointSlice[] {
  return objects
    .list<EndpointSlice>("discovery.k8s.io", "endpointslices", namespace)
    .filter(({ metadata }) => metadata?.labels?.["kubernetes.io/service-name"] === service);
}

/** Endpoints without the condition count as ready. */
export const isReady = (endpoint: { conditions?: { ready?: boolean } }): boolean =>
  endpoint.conditions?.ready !== false;

/**
 * A random ready endpoint of the Service's port; slices of the Service's first address family come first. An ExternalName is its
 * own endpoint, at the given port, as in kube-apiserver without `--enable-aggregator-routing`. Throws StatusErrors with
 * Kubernetes' texts (NotFound, ServiceUnavailable).
 */
export function resolveServiceEndpoint(
  objects: ObjectReader,
  namespace: string,
  name: string,
  port: number,
  random: () => number,
): Endpoint {
  const service = objects.get<Service>("", "services", namespace, name);
  if (!service)
    throw new StatusError("NotFound", `service ${JSON.stringify(name)} not found`, {
      details: { name, kind: "service" },
    });
  const type = service.spec?.type ?? "ClusterIP";
  if (type === "ExternalName") return { host: service.spec?.externalName ?? "", port };
  if (!routable.has(type))
    throw new StatusError("InternalError", `unsupported service type ${JSON.stringify(type)}`);
  const wanted = service.spec?.ports?.find((each) => each.port === port);
  if (!wanted) throw unavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const found: { preferred: boolean; endpoint: Endpoint }[] = [];
  const family = service.spec?.ipFamilies?.[0];
  for (const slice of slicesOf(objects, namespace, name)) {
    const number = slice.ports?.find((each) => (each.name ?? "") === (wanted.name ?? ""))?.port;
    if (number === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const host = endpoint.addresses[0];
      if (host !== undefined && isReady(endpoint)) {
        const preferred = family === undefined || slice.addressType === family;
        found.push({ preferred, endpoint: { host, port: number } });
      }
    }
  }
  const preferred = found.filter((each) => each.preferred);
  const choice = preferred.length > 0 ? preferred : found;
  const chosen = choice[Math.floor(random() * choice.length)];
  if (!chosen) throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  return chosen.endpoint;
}
