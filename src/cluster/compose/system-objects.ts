import type { EndpointSlice, Service, StorageClass } from "../../api/index.ts";
import { type ApiTransport, bodyText, readJson } from "../../client/index.ts";
import { isReason } from "../../machinery/index.ts";
import type { ClusterConfig } from "../config/cluster-config.ts";

/** What every cluster of ours holds besides what users put there. Desired state: made when missing, otherwise left alone. */
export function systemObjects(
  config: ClusterConfig,
  dnsEndpoint: string,
): { path: string; object: object }[] {
  const dnsPorts = [
    { name: "dns", port: 53, protocol: "UDP" },
    { name: "dns-tcp", port: 53, protocol: "TCP" },
  ];
  const storageClass: StorageClass = {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: {
      name: "standard",
      annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
    },
    provisioner: "wherry.dev/local-path",
    reclaimPolicy: "Delete",
    volumeBindingMode: "WaitForFirstConsumer",
  };
  const service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "kube-dns",
      namespace: "kube-system",
      labels: { "k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS" },
    },
    spec: { clusterIP: config.dnsIp, clusterIPs: [config.dnsIp], ports: dnsPorts },
  };
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "kube-dns",
      namespace: "kube-system",
      labels: {
        "kubernetes.io/service-name": "kube-dns",
        "endpointslice.kubernetes.io/managed-by": "wherry.dev",
      },
    },
    addressType: "IPv4",
    endpoints: [{ addresses: [dnsEndpoint], conditions: { ready: true } }],
    ports: dnsPorts,
  };
  const objects = [{ path: "/apis/storage.k8s.io/v1/storageclasses", object: storageClass as object }];
  if (config.simulatedNodes > 0) return objects;
  return [
    ...objects,
    { path: "/api/v1/namespaces/kube-system/services", object: service },
    { path: "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices", object: slice },
  ];
}

/** Makes what is missing, all at once. */
export async function ensureSystemObjects(
  api: ApiTransport,
  objects: readonly { path: string; object: object }[],
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    objects.map(async ({ path, object }) => {
      const { metadata } = object as { metadata: { name: string } };
      const known = await api.request({ method: "GET", path: `${path}/${metadata.name}`, signal });
      await bodyText(known.body);
      if (known.status === 200) return;
      const made = await api.request({
        method: "POST",
        path,
        headers: { "content-type": "application/json" },
        body: Buffer.from(JSON.stringify(object)),
        signal,
      });
      try {
        await readJson(made);
      } catch (error) {
        if (!isReason(error, "AlreadyExists")) throw error;
      }
    }),
  );
}
