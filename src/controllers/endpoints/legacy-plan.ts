import type {
  CoreV1EndpointPort,
  EndpointAddress,
  Endpoints,
  EndpointSubset,
  Pod,
  Service,
} from "../../api/index.ts";
import { isLeaving, isReady } from "../pods/state.ts";
import { addressTypes, canServe, endpointPorts, isHeadless, podEndpoint, selects } from "./membership.ts";

const headlessLabel = "service.kubernetes.io/headless";
const managedByLabel = "endpoints.kubernetes.io/managed-by";
const overCapacity = "endpoints.kubernetes.io/over-capacity";
/** Limit of addresses in an Endpoints object. */
const capacity = 1000;

/** The Endpoints object of a Service: the older form of its slices, with addresses grouped by ports. */
export function desiredEndpoints(
  service: Service,
  pods: readonly Pod[],
  existing: Endpoints | undefined,
): Endpoints {
  const type = addressTypes(service)[0] ?? "IPv4";
  const byPorts = new Map<
    string,
    Required<Pick<EndpointSubset, "addresses" | "notReadyAddresses" | "ports">>
  >();
  for (const pod of [...pods].sort(byName)) {
    if (!canServe(pod) || isLeaving(pod) || !selects(service, pod)) continue;
    const endpoint = podEndpoint(service, pod, undefined, type);
    if (!endpoint) continue;
    const ports: CoreV1EndpointPort[] = endpointPorts(service, pod).map(({ name, port, ...rest }) => ({
      ...(name ? { name } : {}),
      port: port ?? 0,
      ...rest,
    }));
    // A pod without any of the Service's ports is not an endpoint.
    if (ports.length === 0 && (service.spec?.ports ?? []).length > 0) continue;
    const key = JSON.stringify(ports);
    const subset = byPorts.get(key) ?? { addresses: [], notReadyAddresses: [], ports };
    byPorts.set(key, subset);
    const ready = service.spec?.publishNotReadyAddresses === true || isReady(pod);
    const address: EndpointAddress = {
      ip: endpoint.addresses[0] ?? "",
      ...(endpoint.hostname ? { hostname: endpoint.hostname } : {}),
      ...(endpoint.nodeName ? { nodeName: endpoint.nodeName } : {}),
      ...(endpoint.targetRef ? { targetRef: endpoint.targetRef } : {}),
    };
    (ready ? subset.addresses : subset.notReadyAddresses).push(address);
  }
  const { subsets, truncated } = limited([...byPorts.values()]);
  const labels: Record<string, string> = {
    ...service.metadata?.labels,
    [managedByLabel]: "endpoint-controller",
  };
  delete labels[headlessLabel];
  if (isHeadless(service)) labels[headlessLabel] = "";
  const annotations = { ...existing?.metadata?.annotations };
  if (truncated) annotations[overCapacity] = "truncated";
  else delete annotations[overCapacity];
  return {
    ...existing,
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: {
      ...existing?.metadata,
      name: service.metadata?.name ?? "",
      ...(service.metadata?.namespace ? { namespace: service.metadata.namespace } : {}),
      labels,
      ...(Object.keys(annotations).length > 0 || existing?.metadata?.annotations ? { annotations } : {}),
    },
    ...(subsets.length > 0 ? { subsets } : { subsets: [] }),
  };
}

type FullSubset = Required<Pick<EndpointSubset, "addresses" | "notReadyAddresses" | "ports">>;

function limited(all: readonly FullSubset[]): { subsets: EndpointSubset[]; truncated: boolean } {
  let room = capacity;
  let truncated = false;
  const take = (addresses: EndpointAddress[]): EndpointAddress[] => {
    if (addresses.length > room) truncated = true;
    const taken = addresses.slice(0, room).sort((a, b) => (a.ip < b.ip ? -1 : 1));
    room -= taken.length;
    return taken;
  };
  // Ready addresses have priority within the limit.
  const ready = all.map((subset) => take(subset.addresses));
  const subsets = all.map((subset, i): EndpointSubset => {
    const addresses = ready[i] ?? [];
    const notReadyAddresses = take(subset.notReadyAddresses);
    return {
      ...(addresses.length > 0 ? { addresses } : {}),
      ...(notReadyAddresses.length > 0 ? { notReadyAddresses } : {}),
      ...(subset.ports.length > 0 ? { ports: subset.ports } : {}),
    };
  });
  return { subsets: subsets.filter((each) => each.addresses || each.notReadyAddresses), truncated };
}

const byName = (a: Pod, b: Pod): number => ((a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1);
