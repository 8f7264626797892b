import type { EndpointSlice, Service } from "../../api/index.ts";

/**
 * The Service under which clients and tools expect the cluster's DNS (kubectl cluster-info, Helm charts), and its
 * endpoints. Made once by whoever sets the cluster up; traffic does not depend on them, they also keep the address from
 * being given to another Service.
 */
export function dnsServiceObjects(
  clusterIp: string,
  listenAddress: string,
): { service: Service; endpointSlice: EndpointSlice } {
  const ports = [
    { name: "dns", port: 53, protocol: "UDP" },
    { name: "dns-tcp", port: 53, protocol: "TCP" },
  ];
  const metadata = { name: "kube-dns", namespace: "kube-system" };
  const labels = { "k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS" };
  return {
    service: {
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...metadata, labels: { ...labels, "kubernetes.io/cluster-service": "true" } },
      spec: {
        clusterIP: clusterIp,
        clusterIPs: [clusterIp],
        type: "ClusterIP",
        ports: ports.map((port) => ({ ...port, targetPort: port.port })),
      },
    },
    endpointSlice: {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        ...metadata,
        labels: {
          ...labels,
          "kubernetes.io/service-name": "kube-dns",
          "endpointslice.kubernetes.io/managed-by": "wherry",
        },
      },
      addressType: listenAddress.includes(":") ? "IPv6" : "IPv4",
      endpoints: [{ addresses: [listenAddress], conditions: { ready: true } }],
      ports,
    },
  };
}
