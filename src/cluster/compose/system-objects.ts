import type { EndpointSlice, KubeObject, Service, StorageClass } from "../../api/index.ts";
import type { ObjectReader } from "../../apiserver/index.ts";
import { type ApiTransport, bodyText, readJson } from "../../client/index.ts";
import { isReason } from "../../machinery/index.ts";
import type { ClusterConfig } from "../config/cluster-config.ts";

const dnsName = "kube-dns";

/** Objects of every wherry cluster besides users'. They are created when missing, otherwise left alone. */
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
      name: dnsName,
      namespace: "kube-system",
      labels: { "k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS" },
    },
    spec: { clusterIP: config.dnsIp, clusterIPs: [config.dnsIp], ports: dnsPorts },
  };
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: dnsName,
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

/** Creates missing objects, and restores those that the cluster needs (its DNS) when they are deleted. */
export async function keepSystemObjects(
  api: ApiTransport,
  stored: ObjectReader,
  objects: readonly { path: string; object: object }[],
  signal: AbortSignal,
): Promise<void> {
  let wake: () => void = () => {};
  const look = (type: string, object: KubeObject): void => {
    const { name, namespace } = object.metadata ?? {};
    if (type === "deleted" && namespace === "kube-system" && name === dnsName) wake();
  };
  const stops = [
    stored.onChange("", "services", look),
    stored.onChange("discovery.k8s.io", "endpointslices", look),
  ];
  signal.addEventListener("abort", () => wake(), { once: true });
  try {
    while (!signal.aborted) {
      const deleted = new Promise<void>((resolve) => (wake = resolve));
      await ensureSystemObjects(api, objects, signal);
      await deleted;
    }
  } finally {
    for (const stop of stops) stop();
  }
}

/** Creates missing objects concurrently; skips kinds that are not served (--runtime-config). */
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
        const unserved = made.status === 404 && path.startsWith("/apis/");
        if (!unserved && !isReason(error, "AlreadyExists")) throw error;
      }
    }),
  );
}
