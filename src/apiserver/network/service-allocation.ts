/** ClusterIPs and node ports of Services. */
import type { FieldError, KubeObject, Service, ServiceSpec } from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../admission/chain.ts";
import type { ObjectCaches } from "../cache/objects.ts";
import type { ServiceNetwork } from "../contract.ts";
import { invalid } from "../errors.ts";
import { formatAddress, parseAddress, parseCidr } from "./cidr.ts";
import { Pool } from "./pool.ts";

const defaultNodePorts = { from: 30000, to: 32767 };

export interface AllocationContext {
  caches: ObjectCaches;
  random: () => number;
  network: ServiceNetwork;
}

/** The part of the range that is kept for addresses asked for by name (KEP-3070). */
const reservedOf = (size: number): number => Math.min(Math.max(16, Math.floor(size / 16)), 256);

export function serviceAllocation({ caches, random, network }: AllocationContext): AdmissionPlugin {
  const range = parseCidr(network.serviceCidr);
  const ports = network.nodePorts ?? defaultNodePorts;
  // Neither the network's own address nor the broadcast address is given away.
  const addresses = new Pool(range.base + 1, range.size - 2, reservedOf(range.size), random);
  const portCount = ports.to - ports.from + 1;
  const nodePorts = new Pool(ports.from, portCount, Math.min(86, Math.floor(portCount / 32)), random);

  const each = (service: Service, address: (n: number) => void, port: (n: number) => void): void => {
    for (const ip of service.spec?.clusterIPs ?? []) {
      const parsed = parseAddress(ip);
      if (parsed !== undefined) address(parsed);
    }
    for (const { nodePort } of service.spec?.ports ?? []) if (nodePort) port(nodePort);
    if (service.spec?.healthCheckNodePort) port(service.spec.healthCheckNodePort);
  };
  const ownerOf = (object: KubeObject): string => `${object.metadata?.namespace}/${object.metadata?.name}`;
  const note = (service: Service): void => {
    const owner = ownerOf(service);
    each(
      service,
      (n) => addresses.own(n, owner),
      (n) => nodePorts.own(n, owner),
    );
  };
  for (const service of caches.list<Service>("", "services")) note(service);
  caches.onChange<Service>("", "services", (type, service, old) => {
    if (old) {
      const owner = ownerOf(old);
      each(
        old,
        (n) => addresses.disown(n, owner),
        (n) => nodePorts.disown(n, owner),
      );
    }
    if (type !== "deleted") note(service);
  });

  const allocateAddress = (request: AdmissionRequest, spec: ServiceSpec, owner: string): void => {
    if (spec.type === "ExternalName") return;
    if (spec.clusterIP === "None" || spec.clusterIPs?.[0] === "None") {
      spec.clusterIP = "None";
      spec.clusterIPs = ["None"];
      const selects = Object.keys(spec.selector ?? {}).length > 0;
      spec.ipFamilies ??= selects ? ["IPv4"] : ["IPv4", "IPv6"];
      spec.ipFamilyPolicy ??=
        Object.keys(spec.selector ?? {}).length === 0 ? "RequireDualStack" : "SingleStack";
      return;
    }
    const given = spec.clusterIPs?.[0] ?? spec.clusterIP;
    if (given) {
      const parsed = parseAddress(given);
      // What is no address is the validation's to name.
      if (parsed === undefined) return;
      const problem = !addresses.contains(parsed)
        ? "the provided network does not match the current range"
        : addresses.isFree(parsed, owner)
          ? undefined
          : "provided IP is already allocated";
      if (problem) fail(request, "spec.clusterIPs", [given], `failed to allocate IP ${given}: ${problem}`);
      addresses.hold(parsed, owner);
    } else {
      const taken = addresses.take(owner);
      if (taken === undefined) {
        throw new StatusError("InternalError", "failed to allocate a serviceIP: range is full");
      }
      spec.clusterIP = formatAddress(taken);
      spec.clusterIPs = [spec.clusterIP];
    }
    spec.ipFamilies ??= ["IPv4"];
    spec.ipFamilyPolicy ??= "SingleStack";
  };

  const takePort = (): ((owner: string) => number) => (owner) => {
    const taken = nodePorts.take(owner);
    if (taken === undefined) {
      throw new StatusError("InternalError", "failed to allocate a nodePort: range is full");
    }
    return taken;
  };

  const holdPort = (request: AdmissionRequest, port: number, field: string, owner: string): void => {
    const problem = !nodePorts.contains(port)
      ? `provided port is not in the valid range. The range of valid ports is ${ports.from}-${ports.to}`
      : nodePorts.isFree(port, owner)
        ? undefined
        : "provided port is already allocated";
    if (problem) fail(request, field, port, problem);
    nodePorts.hold(port, owner);
  };

  const allocatePorts = (request: AdmissionRequest, spec: ServiceSpec, owner: string): void => {
    const wants =
      spec.type === "NodePort" ||
      (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
    const take = takePort();
    /** The same port number of several protocols gets one node port. */
    const byPort = new Map<number, { protocol: string; nodePort: number }[]>();
    for (const [i, port] of (spec.ports ?? []).entries()) {
      if (port.nodePort && spec.type !== "ClusterIP" && spec.type !== "ExternalName") {
        holdPort(request, port.nodePort, `spec.ports[${i}].nodePort`, owner);
      }
      if (port.nodePort) {
        const same = byPort.get(port.port) ?? [];
        same.push({ protocol: port.protocol ?? "TCP", nodePort: port.nodePort });
        byPort.set(port.port, same);
      }
    }
    if (!wants) return;
    for (const port of spec.ports ?? []) {
      if (port.nodePort) continue;
      const same = byPort.get(port.port) ?? [];
      const shared = same.find(
        (other) => !same.some((each) => each.nodePort === other.nodePort && each.protocol === port.protocol),
      );
      port.nodePort = shared?.nodePort ?? take(owner);
      same.push({ protocol: port.protocol ?? "TCP", nodePort: port.nodePort });
      byPort.set(port.port, same);
    }
    if (spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local") {
      if (spec.healthCheckNodePort)
        holdPort(request, spec.healthCheckNodePort, "spec.healthCheckNodePort", owner);
      else spec.healthCheckNodePort = take(owner);
    }
  };

  return {
    name: "ServiceAllocation",
    allocate(request) {
      const service = serviceOf(request);
      if (!service?.spec || request.subresource !== "") return;
      const owner = ownerOf(service);
      allocateAddress(request, service.spec, owner);
      allocatePorts(request, service.spec, owner);
    },
    release(request) {
      const service = serviceOf(request);
      if (!service) return;
      addresses.letGo(ownerOf(service));
      nodePorts.letGo(ownerOf(service));
    },
  };
}

const serviceOf = ({ resource, object }: AdmissionRequest): Service | undefined =>
  resource.def.group === "" && resource.def.kind === "Service" ? (object as Service | undefined) : undefined;

function fail(request: AdmissionRequest, field: string, value: unknown, detail: string): never {
  const error: FieldError = {
    reason: "FieldValueInvalid",
    field,
    message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
  };
  throw invalid(request.resource.def, request.name, [error]);
}
