/** Computes the EndpointSlices that mirror custom Endpoints. Pure. */
import type { Endpoint, EndpointAddress, Endpoints, EndpointSlice } from "../../api/index.ts";
import { controllerRef } from "../../client/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import { managedByLabel, serviceNameLabel } from "./slice-plan.ts";

export const mirrorManager = "endpointslicemirroring-controller.k8s.io";
const skipLabel = "endpointslice.kubernetes.io/skip-mirror";
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
const notMirrored = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  "endpoints.kubernetes.io/last-change-trigger-time",
]);
/** Limit of addresses per subset. */
const maxPerSubset = 1000;

/** A leader election lock of older clients, which has no Service. */
export const isElectionLock = ({ metadata }: Endpoints): boolean =>
  metadata?.annotations?.[leaderAnnotation] !== undefined;

/** Except those that opt out, and leader election locks. */
export const isMirrored = (endpoints: Endpoints): boolean =>
  endpoints.metadata?.labels?.[skipLabel] !== "true" && !isElectionLock(endpoints);

/** A slice for every subset and family of addresses. */
export function mirrorSlices(source: Endpoints): EndpointSlice[] {
  const slices: EndpointSlice[] = [];
  for (const subset of source.subsets ?? []) {
    const all = [
      ...(subset.addresses ?? []).map((address) => ({ address, ready: true })),
      ...(subset.notReadyAddresses ?? []).map((address) => ({ address, ready: false })),
    ].slice(0, maxPerSubset);
    for (const addressType of ["IPv4", "IPv6"]) {
      const endpoints = all
        .filter(({ address }) => address.ip.includes(":") === (addressType === "IPv6"))
        .map(({ address, ready }) => endpointOf(address, ready));
      if (endpoints.length === 0) continue;
      slices.push({
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: metadataOf(source),
        addressType,
        endpoints,
        ports: (subset.ports ?? []).map(({ name = "", port, protocol, appProtocol }) => ({
          name,
          port,
          protocol: protocol ?? "TCP",
          ...(appProtocol === undefined ? {} : { appProtocol }),
        })),
      });
    }
  }
  return slices;
}

function metadataOf(source: Endpoints): EndpointSlice["metadata"] {
  const { name = "", namespace, labels, annotations } = source.metadata ?? {};
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !notMirrored.has(key));
  return {
    generateName: `${name}-`,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: mirrorManager },
    ...(kept.length > 0 ? { annotations: Object.fromEntries(kept) } : {}),
    ownerReferences: [controllerRef(source, "v1", "Endpoints")],
  };
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    ...(targetRef ? { targetRef } : {}),
  };
}

/** Equal in all fields that consumers see. */
export const sameSlice = (a: EndpointSlice, b: EndpointSlice): boolean =>
  deepEqual(a.endpoints ?? [], b.endpoints ?? []) &&
  deepEqual(a.ports ?? [], b.ports ?? []) &&
  deepEqual(a.metadata?.labels ?? {}, b.metadata?.labels ?? {}) &&
  deepEqual(a.metadata?.annotations ?? {}, b.metadata?.annotations ?? {});
