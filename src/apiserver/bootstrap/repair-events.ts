/** Events of repairs, in the words of kube-apiserver's repair controller. */
import type { IPAddress, KubeObject, Service } from "../../api/index.ts";
import { formatMicroTime } from "../../machinery/index.ts";
import type { Core } from "../core.ts";
import { createObject } from "../verbs/create.ts";
import { isOfService, type Repair } from "./address-repair.ts";
import { serverCall } from "./server-call.ts";

const component = "ipallocator-repair-controller";

interface Told {
  about: KubeObject;
  apiVersion: string;
  reason: string;
  action: string;
  note: string;
}

/** Undefined for repairs without an event. */
export function eventOf(repair: Repair): Told | undefined {
  if (repair.kind === "delete") return ofAddress(repair);
  return repair.kind === "make" ? ofService(repair) : forAdministrator(repair);
}

const family = (address: string): string => (address.includes(":") ? "[IPv6]" : "[IPv4]");

/** What only an administrator can repair. */
function forAdministrator({ kind, address, service }: Repair & { kind: "tell" | "outside" }): Told {
  const [reason, problem] =
    kind === "tell"
      ? ["ClusterIPAlreadyAllocated", `${address} was assigned to multiple services`]
      : ["ClusterIPOutOfRange", ` ${address} is not within any configured Service CIDR`];
  return {
    about: { kind: "Service", ...service },
    apiVersion: "v1",
    reason,
    action: "ClusterIPAllocation",
    note: `Cluster IP ${family(address)}:${problem}; please recreate service`,
  };
}

function ofService({ address, service, instead, isForeign }: Repair & { kind: "make" }): Told | undefined {
  if (instead && !isForeign) return undefined;
  const note = instead
    ? `the ClusterIP [IPv4]: ${address} for Service ${whole(service.metadata)} has a wrong reference; repairing`
    : `Cluster IP [IPv4]: ${address} is not allocated; repairing`;
  const [reason, action] = ["ClusterIPNotAllocated", "ClusterIPAllocation"];
  return { about: { kind: "Service", ...service }, apiVersion: "v1", reason, action, note };
}

function ofAddress({ object, service }: Repair & { kind: "delete" }): Told {
  const [reason, note] = problemOf(object, service);
  const apiVersion = "networking.k8s.io/v1";
  return {
    about: { kind: "IPAddress", ...object },
    apiVersion,
    reason,
    action: "IPAddressAllocation",
    note: `${note} cleaning up`,
  };
}

function problemOf(object: IPAddress, service: Service | undefined): [reason: string, note: string] {
  const { metadata, spec } = object;
  const { group = "", namespace = "", resource, name } = spec?.parentRef ?? { resource: "", name: "" };
  if (!isOfService(object)) {
    const parent = `&ParentReference{Group:${group},Resource:${resource},Namespace:${namespace},Name:${name},}`;
    const note = `IPAddress ${metadata?.name} appears to have been modified, not referencing a Service ${parent}:`;
    return ["IPAddressNotAllocated", note];
  }
  const what = `IPAddress: ${metadata?.name} for Service ${whole(spec?.parentRef)}`;
  return service
    ? ["IPAddressWrongReference", `${what} has a wrong reference;`]
    : ["IPAddressNotAllocated", `${what} appears to have leaked:`];
}

const whole = (named: { namespace?: string; name?: string } | undefined): string =>
  `${named?.namespace}/${named?.name}`;

/** `host`: the server's host name. Throws when the event is refused. */
export async function tellOf(core: Core, host: string, repair: Repair): Promise<void> {
  const events = core.registry.find("events.k8s.io", "v1", "events");
  const told = events && eventOf(repair);
  if (!told) return;
  const { kind = "", metadata = {} } = told.about;
  // Namespace of events of cluster-scoped objects.
  const namespace = metadata.namespace ?? "default";
  const now = core.clock.now();
  const serial = (BigInt(Math.floor(now * 1000)) * 1000n).toString(16);
  const { name = "", uid = "", resourceVersion = "" } = metadata;
  const regarding = {
    kind,
    ...(metadata.namespace ? { namespace } : {}),
    name,
    uid,
    apiVersion: told.apiVersion,
    resourceVersion,
  };
  await createObject(serverCall(core, events, namespace, ""), {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: `${name}.${serial}`, namespace },
    eventTime: formatMicroTime(now),
    reportingController: component,
    reportingInstance: `${component}-${host}`,
    action: told.action,
    reason: told.reason,
    regarding,
    note: told.note,
    type: "Warning",
  } as KubeObject);
}
