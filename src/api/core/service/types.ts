/** Properties of Service types. */
import type { Service, ServiceSpec } from "../../generated/types.ts";

export const needsClusterIp = (spec: ServiceSpec): boolean => spec.type !== "ExternalName";

export const hasNodePorts = (spec: ServiceSpec): boolean =>
  spec.type === "NodePort" || spec.type === "LoadBalancer";

/** Ports are allocated if none is set. */
export const needsNodePorts = (spec: ServiceSpec): boolean =>
  spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);

export const needsHealthCheckPort = (spec: ServiceSpec): boolean =>
  spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";

/** Reachable from outside the cluster. */
export const isExternal = (spec: ServiceSpec): boolean =>
  hasNodePorts(spec) || (spec.type === "ClusterIP" && !!spec.externalIPs?.length);

export const isHeadless = (spec: ServiceSpec): boolean =>
  spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === "None";

export const specOf = (service: Service): ServiceSpec => service.spec ?? {};

export const sameList = (
  left: readonly string[] | undefined,
  right: readonly string[] | undefined,
): boolean => {
  const [a, b] = [left ?? [], right ?? []];
  return a.length === b.length && a.every((each, i) => each === b[i]);
};
