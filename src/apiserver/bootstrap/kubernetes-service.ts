/** The Service `kubernetes` in `default`, through which pods reach this server. */
import type { IPAddress, KubeObject } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import type { Core } from "../core.ts";
import type { ServiceNetwork } from "../contract.ts";
import { formatAddress, parseCidr } from "../network/cidr.ts";
import { createObject } from "../verbs/create.ts";
import { updateObject } from "../verbs/update.ts";
import { quietly } from "./quietly.ts";
import { deleteAsServer, serverCall } from "./server-call.ts";

const namespace = "default";
const name = "kubernetes";
const metadata = { name, namespace };

interface Parts extends KubeObject {
  [member: string]: unknown;
}

export async function publishServer(
  core: Core,
  { serviceCidr }: ServiceNetwork,
  advertise: { address: string; port: number },
): Promise<void> {
  const { address, port } = advertise;
  const clusterIP = formatAddress(parseCidr(serviceCidr).base + 1);
  const labels = { component: "apiserver", provider: "kubernetes" };
  await dropLeftOver(core, clusterIP);
  const ports = [{ name: "https", port: 443, protocol: "TCP", targetPort: port }];
  await ensure(core, "", "services", {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...metadata, labels },
    spec: { clusterIP, clusterIPs: [clusterIP], ports, type: "ClusterIP", sessionAffinity: "None" },
  });
  await ensure(core, "", "endpoints", {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { ...metadata, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
    subsets: [{ addresses: [{ ip: address }], ports: [{ name: "https", port, protocol: "TCP" }] }],
  });
  await ensure(core, "discovery.k8s.io", "endpointslices", {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...metadata, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: "https", port, protocol: "TCP" }],
  });
}

/**
 * Deletes the IPAddress of a missing Service, as a crash between two writes leaves it: it would prevent the creation of the
 * Service.
 */
async function dropLeftOver(core: Core, address: string): Promise<void> {
  const group = "networking.k8s.io";
  if (core.caches.get("", "services", namespace, name)) return;
  const resource = core.registry.find(group, "v1", "ipaddresses");
  const { metadata, spec } = core.caches.get<IPAddress>(group, "ipaddresses", undefined, address) ?? {};
  const parent = spec?.parentRef;
  if (!resource || parent?.resource !== "services" || parent.group) return;
  if (parent.namespace !== namespace || parent.name !== name) return;
  await quietly(() => deleteAsServer(core, resource, "", address, { uid: metadata?.uid ?? "" }));
}

/**
 * Creates the object, or updates endpoints and ports of an existing one. An existing Service is left unchanged, with what users
 * added, as in Kubernetes.
 */
async function ensure(core: Core, group: string, plural: string, wanted: Parts): Promise<void> {
  const resource = core.registry.find(group, "v1", plural);
  if (!resource) return;
  const existing = resource.cache.get(resource.key(namespace, name));
  if (!existing) {
    await createObject({ ...serverCall(core, resource, namespace, ""), unchecked: true }, wanted);
    return;
  }
  const said = ["subsets", "endpoints", "ports"].filter((member) => wanted[member]);
  const present = existing.object as Parts;
  if (said.every((member) => deepEqual(present[member], wanted[member]))) return;
  const call = { ...serverCall(core, resource, namespace, name), unchecked: true };
  await updateObject(call, (entry) => {
    const object = entry.copy() as Parts;
    for (const member of said) object[member] = wanted[member];
    return object;
  });
}
