import type { DiscoveryV1EndpointPort, Endpoint, Node, Pod, Service } from "../../api/index.ts";
import { selectorFromLabels } from "../../machinery/index.ts";
import { isFinished, isLeaving, isReady } from "../pods/state.ts";

export type AddressType = "IPv4" | "IPv6";

export const isIPv6 = (address: string): boolean => address.includes(":");

/** Services with managed endpoints: they have a selector and are no ExternalName. */
export const hasOwnEndpoints = (service: Service): boolean =>
  service.spec?.type !== "ExternalName" && Object.keys(service.spec?.selector ?? {}).length > 0;

export const isHeadless = (service: Service): boolean => service.spec?.clusterIP === "None";

export const selects = (service: Service, pod: Pod): boolean =>
  selectorFromLabels(service.spec?.selector).matches(pod.metadata?.labels);

export function addressTypes(service: Service): AddressType[] {
  const families = (service.spec?.ipFamilies ?? []).filter(
    (family): family is AddressType => family === "IPv4" || family === "IPv6",
  );
  if (families.length > 0) return families;
  return [isIPv6(service.spec?.clusterIP ?? "") ? "IPv6" : "IPv4"];
}

export function podAddresses(pod: Pod): string[] {
  const listed = (pod.status?.podIPs ?? []).map((each) => each.ip).filter((ip) => ip !== "");
  return listed.length > 0 ? listed : pod.status?.podIP ? [pod.status.podIP] : [];
}

/** From the assignment of an address until it has finished; terminating pods count as such. */
export const canServe = (pod: Pod): boolean => !isFinished(pod) && podAddresses(pod).length > 0;

/** The number behind a Service's targetPort in this pod; undefined when the pod has no port of that name. */
export function targetPort(
  pod: Pod,
  port: { port: number; targetPort?: number | string; protocol?: string },
): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target;
  if (/^\d+$/.test(target)) return Number(target);
  const protocol = port.protocol ?? "TCP";
  const containers = [
    ...(pod.spec?.containers ?? []),
    // Sidecars serve as long as the pod does.
    ...(pod.spec?.initContainers ?? []).filter((each) => each.restartPolicy === "Always"),
  ];
  for (const container of containers) {
    for (const each of container.ports ?? []) {
      if (each.name === target && (each.protocol ?? "TCP") === protocol) return each.containerPort;
    }
  }
  return undefined;
}

/** The Service's ports as this pod offers them. */
export function endpointPorts(service: Service, pod: Pod): DiscoveryV1EndpointPort[] {
  const ports: DiscoveryV1EndpointPort[] = [];
  for (const port of service.spec?.ports ?? []) {
    const number = targetPort(pod, port);
    if (number === undefined) continue;
    ports.push({
      name: port.name ?? "",
      port: number,
      protocol: port.protocol ?? "TCP",
      ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
    });
  }
  return ports;
}

/** The pod as an endpoint; undefined when it has no address of this family. */
export function podEndpoint(
  service: Service,
  pod: Pod,
  node: Node | undefined,
  type: AddressType,
): Endpoint | undefined {
  const address = podAddresses(pod).find((each) => isIPv6(each) === (type === "IPv6"));
  if (address === undefined) return undefined;
  const { namespace, name, uid } = pod.metadata ?? {};
  const serving = isReady(pod);
  const terminating = isLeaving(pod);
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const zone = node?.metadata?.labels?.["topology.kubernetes.io/zone"];
  const hostname = pod.spec?.subdomain === service.metadata?.name ? pod.spec?.hostname : undefined;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    ...(zone ? { zone } : {}),
    targetRef: {
      kind: "Pod",
      ...(namespace ? { namespace } : {}),
      ...(name ? { name } : {}),
      ...(uid ? { uid } : {}),
    },
  };
}
