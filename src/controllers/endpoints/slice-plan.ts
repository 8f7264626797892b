import type {
  DiscoveryV1EndpointPort,
  Endpoint,
  EndpointSlice,
  Node,
  Pod,
  Service,
} from "../../api/index.ts";
import { controllerRef } from "../../client/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import { addressTypes, canServe, endpointPorts, isHeadless, podEndpoint, selects } from "./membership.ts";

export const serviceNameLabel = "kubernetes.io/service-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
export const manager = "endpointslice-controller.k8s.io";
const headlessLabel = "service.kubernetes.io/headless";

/** Limit of endpoints per slice. */
const sliceSize = 100;

export interface SlicePlan {
  create: readonly EndpointSlice[];
  update: readonly EndpointSlice[];
  remove: readonly EndpointSlice[];
}

/**
 * How the Service's own slices have to change so that they hold its pods. Endpoints stay in the slice they are in, so that
 * one pod's change touches one slice.
 */
export function planSlices(
  service: Service,
  pods: readonly Pod[],
  node: (name: string) => Node | undefined,
  existing: readonly EndpointSlice[],
): SlicePlan {
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  const remove: EndpointSlice[] = [];
  const types = addressTypes(service);
  const labels = sliceLabels(service);
  remove.push(...existing.filter((slice) => !types.some((type) => type === slice.addressType)));

  for (const type of types) {
    const groups = new Map<string, { ports: DiscoveryV1EndpointPort[]; wanted: Map<string, Endpoint> }>();
    for (const pod of pods) {
      if (!canServe(pod) || !selects(service, pod)) continue;
      const endpoint = podEndpoint(service, pod, node(pod.spec?.nodeName ?? ""), type);
      if (!endpoint) continue;
      const ports = endpointPorts(service, pod);
      const key = portsKey(ports);
      const group = groups.get(key) ?? { ports, wanted: new Map() };
      group.wanted.set(identity(endpoint), endpoint);
      groups.set(key, group);
    }
    const own = existing.filter((slice) => slice.addressType === type);
    // A Service without pods has an empty slice.
    if (groups.size === 0) groups.set(portsKey([]), { ports: [], wanted: new Map() });
    const spare = own.filter((slice) => !groups.has(portsKey(slice.ports)));
    for (const [key, { ports, wanted }] of groups) {
      const same = own.filter((slice) => portsKey(slice.ports) === key);
      fillGroup(type, ports, wanted, same, spare);
    }
    remove.push(...spare);
  }
  return { create, update, remove };

  function fillGroup(
    type: string,
    ports: DiscoveryV1EndpointPort[],
    wanted: Map<string, Endpoint>,
    slices: readonly EndpointSlice[],
    spare: EndpointSlice[],
  ): void {
    const kept = slices.map((slice) => {
      const endpoints: Endpoint[] = [];
      for (const endpoint of slice.endpoints ?? []) {
        const next = wanted.get(identity(endpoint));
        if (!next) continue;
        wanted.delete(identity(endpoint));
        endpoints.push(next);
      }
      return { slice, endpoints };
    });
    const rest = [...wanted.values()];
    // Slices that change anyway take the new ones first, then the fullest.
    const order = [...kept].sort(
      (a, b) =>
        Number(changed(b.slice, b.endpoints)) - Number(changed(a.slice, a.endpoints)) ||
        b.endpoints.length - a.endpoints.length,
    );
    for (const each of order)
      each.endpoints.push(...rest.splice(0, Math.max(0, sliceSize - each.endpoints.length)));
    let left = kept.length + Math.ceil(rest.length / sliceSize);
    for (const { slice, endpoints } of kept) {
      if (endpoints.length === 0 && left > 1) {
        left--;
        remove.push(slice);
      } else if (changed(slice, endpoints) || !deepEqual(slice.metadata?.labels, labels)) {
        update.push({ ...slice, metadata: { ...slice.metadata, labels }, endpoints, ports });
      }
    }
    while (rest.length > 0 || left === 0) {
      const endpoints = rest.splice(0, sliceSize);
      const recycled = spare.shift();
      left = 1;
      if (recycled) {
        update.push({ ...recycled, metadata: { ...recycled.metadata, labels }, endpoints, ports });
      } else create.push(newSlice(type, endpoints, ports));
    }
  }

  function newSlice(
    addressType: string,
    endpoints: Endpoint[],
    ports: DiscoveryV1EndpointPort[],
  ): EndpointSlice {
    return {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        generateName: `${service.metadata?.name}-`,
        ...(service.metadata?.namespace ? { namespace: service.metadata.namespace } : {}),
        labels,
        ownerReferences: [controllerRef(service, "v1", "Service")],
      },
      addressType,
      endpoints,
      ports,
    };
  }
}

const changed = (slice: EndpointSlice, endpoints: readonly Endpoint[]): boolean =>
  !deepEqual(slice.endpoints ?? [], endpoints);

/** Slices inherit the Service's labels, except those with a meaning of their own. */
function sliceLabels(service: Service): Record<string, string> {
  const labels: Record<string, string> = { ...service.metadata?.labels };
  delete labels[headlessLabel];
  if (isHeadless(service)) labels[headlessLabel] = "";
  labels[serviceNameLabel] = service.metadata?.name ?? "";
  labels[managedByLabel] = manager;
  return labels;
}

const identity = (endpoint: Endpoint): string =>
  `${endpoint.targetRef?.namespace}/${endpoint.targetRef?.name}/${endpoint.targetRef?.uid}`;

const portsKey = (ports: readonly DiscoveryV1EndpointPort[] | undefined): string =>
  JSON.stringify(
    (ports ?? [])
      .map(({ name = "", port, protocol, appProtocol }) => [name, port, protocol, appProtocol])
      .sort(),
  );
