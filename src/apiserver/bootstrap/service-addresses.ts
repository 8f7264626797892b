/**
 * Dependents of a Service (kube-apiserver's registry of Services): the IPAddress of each address (KEP-1880), and the Endpoints of
 * the same name, which are deleted with it. IPAddresses are created before the Service is (`network/address-objects.ts`).
 */
import type { IPAddress, Service, ServiceCIDR } from "../../api/index.ts";
import type { ServiceNetwork } from "../contract.ts";
import type { Core } from "../core.ts";
import { readCidr } from "../network/cidr.ts";
import { addressesOf, addressObject } from "../network/ip-address.ts";
import type { ServedResource } from "../registry/resource.ts";
import { createObject } from "../verbs/create.ts";
import { findRepairs, type Repair } from "./address-repair.ts";
import { quietly } from "./quietly.ts";
import { tellOf } from "./repair-events.ts";
import { deleteAsServer, serverCall } from "./server-call.ts";

const group = "networking.k8s.io";

/** From now on the deletion of a Service, or of one of its addresses, is acknowledged only after its dependents are deleted. */
export function followServices(core: Core): void {
  const services = core.registry.find("", "v1", "services");
  if (!services) return;
  services.afterChange = (service, old) => (old ? letGo(core, service, old) : undefined);
}

function letGo(core: Core, service: Service | undefined, old: Service): Promise<void> | undefined {
  const has = service ? addressesOf(service) : [];
  const left = addressesOf(old).filter((each) => !has.includes(each));
  const gone = [
    ...left.map((name) => ({
      resource: core.registry.find(group, "v1", "ipaddresses"),
      namespace: "",
      name,
    })),
    ...(service
      ? []
      : [
          {
            resource: core.registry.find("", "v1", "endpoints"),
            namespace: old.metadata?.namespace ?? "",
            name: old.metadata?.name ?? "",
          },
        ]),
  ];
  const work = gone.flatMap(({ resource, namespace, name }) => {
    const there = resource?.cache.get(resource.key(namespace, name));
    return resource && there ? () => deleteAsServer(core, resource, namespace, name) : [];
  });
  return work.length > 0 ? Promise.all(work.map((each) => attempt(core, each))).then(() => {}) : undefined;
}

/**
 * Creates missing IPAddresses of Services, and deletes those without one, as left by a crash or a user. `told`: the problems that
 * administrators know of already, each is reported once.
 */
export async function repairAddresses(
  core: Core,
  network: ServiceNetwork,
  host: string,
  told: Set<string>,
): Promise<void> {
  const resource = core.registry.find(group, "v1", "ipaddresses");
  if (!resource) return;
  // Stale caches must not lead to deletions.
  core.caches.readiness.check();
  const cidrs = core.caches.list<ServiceCIDR>(group, "servicecidrs").flatMap(({ spec }) => spec?.cidrs ?? []);
  const repairs = findRepairs({
    services: core.caches.list<Service>("", "services"),
    addresses: core.caches.list<IPAddress>(group, "ipaddresses"),
    ranges: [network.serviceCidr, ...cidrs].flatMap((each) => readCidr(each) ?? []),
    now: core.clock.now(),
  });
  const lasting = repairs.flatMap((each) => lastingKey(each) ?? []);
  for (const key of told) if (!lasting.includes(key)) told.delete(key);
  for (const each of repairs) {
    const key = lastingKey(each);
    if (key !== undefined && told.has(key)) continue;
    if (key !== undefined) told.add(key);
    await attempt(core, () => tellOf(core, host, each));
    await attempt(core, () => repair(core, resource, each));
  }
}

/** Of problems that stay until an administrator solves them. */
const lastingKey = (repair: Repair): string | undefined =>
  repair.kind === "tell" || repair.kind === "outside"
    ? `${repair.kind} ${repair.address} ${repair.service.metadata?.uid}`
    : undefined;

async function repair(core: Core, resource: ServedResource, step: Repair): Promise<void> {
  const { log } = core;
  if (step.kind === "delete") {
    log.warn("an IPAddress belongs to no Service and is deleted", {
      address: step.object.metadata?.name,
      parent: step.object.spec?.parentRef,
    });
    return await drop(core, resource, step.object);
  }
  const { address, service } = step;
  const whose = { address, service: `${service.metadata?.namespace}/${service.metadata?.name}` };
  if (step.kind === "tell") {
    const { namespace, name } = step.owner.metadata ?? {};
    log.warn("two Services have one address: make one of them anew", {
      ...whose,
      other: `${namespace}/${name}`,
    });
    return;
  }
  if (step.kind === "outside") {
    log.warn("the address of a Service is in no ServiceCIDR: make the Service anew", whose);
    return;
  }
  log.warn("a Service lacks the IPAddress of its address: it is made", whose);
  if (step.instead) await quietly(() => drop(core, resource, step.instead as IPAddress));
  await createObject(serverCall(core, resource, "", ""), addressObject(address, service));
}

async function drop(core: Core, resource: ServedResource, { metadata }: IPAddress): Promise<void> {
  const { name = "", uid = "" } = metadata ?? {};
  await deleteAsServer(core, resource, "", name, { uid });
}

/** The next repair handles failures. */
async function attempt(core: Core, work: () => Promise<unknown>): Promise<void> {
  try {
    await quietly(work);
  } catch (error) {
    core.log.warn("what goes with a Service could not be brought up to date", { error });
  }
}
