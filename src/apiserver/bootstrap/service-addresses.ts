/**
 * What goes with a Service beside the object itself (kube-apiserver's registry of Services): an IPAddress for each address
 * it has (KEP-1880), and the Endpoints of its name, which go when it goes.
 */
import type { IPAddress, KubeObject, Service } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import type { Core } from "../core.ts";
import type { ServedResource } from "../registry/resource.ts";
import { createObject } from "../verbs/create.ts";
import { quietly } from "./quietly.ts";
import { deleteAsServer, serverCall } from "./server-call.ts";

const labels = {
  "ipaddress.kubernetes.io/ip-family": "IPv4",
  "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
};

const addressesOf = (service: Service | undefined): string[] =>
  (service?.spec?.clusterIPs ?? []).filter((each) => each !== "" && each !== "None");

function addressObject(address: string, { metadata }: Service): IPAddress {
  const { name = "", namespace = "" } = metadata ?? {};
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "IPAddress",
    metadata: { name: address, labels },
    spec: { parentRef: { resource: "services", namespace, name } },
  };
}

/** From now on a Service is not acknowledged as written or deleted before that is done; those that are there get what they lack. */
export async function followServices(core: Core): Promise<void> {
  const services = core.registry.find("", "v1", "services");
  const addresses = core.registry.find("networking.k8s.io", "v1", "ipaddresses");
  const endpoints = core.registry.find("", "v1", "endpoints");
  if (!services || !addresses || !endpoints) return;
  services.afterChange = (service, old) => {
    if (service && deepEqual(addressesOf(service), addressesOf(old))) return undefined;
    return follow(core, { addresses, endpoints }, service, old);
  };
  for (const service of core.caches.list<Service>("", "services"))
    await follow(core, { addresses, endpoints }, service, undefined);
}

async function follow(
  core: Core,
  { addresses, endpoints }: Record<"addresses" | "endpoints", ServedResource>,
  service: Service | undefined,
  old: Service | undefined,
): Promise<void> {
  const [has, had] = [addressesOf(service), addressesOf(old)];
  const missing = has.filter((each) => !had.includes(each) && !addresses.cache.get(each));
  const left = had.filter((each) => !has.includes(each) && addresses.cache.get(each));
  const work = [
    ...missing.map((each) => () => publish(core, addresses, addressObject(each, service as Service))),
    ...left.map((each) => () => deleteAsServer(core, addresses, "", each)),
  ];
  const { name = "", namespace = "" } = old?.metadata ?? {};
  if (!service && endpoints.cache.get(endpoints.key(namespace, name)))
    work.push(() => deleteAsServer(core, endpoints, namespace, name));
  await Promise.all(work.map((each) => attempt(core, each)));
}

const publish = (core: Core, resource: ServedResource, object: KubeObject): Promise<unknown> =>
  createObject(serverCall(core, resource, "", ""), object);

/** The Service is stored already: what fails here is seen to at the next start. */
async function attempt(core: Core, work: () => Promise<unknown>): Promise<void> {
  try {
    await quietly(work);
  } catch (error) {
    core.log.warn("what goes with a Service could not be brought up to date", { error });
  }
}
