/** ClusterIPs and node ports of Services. */
import {
  type FieldError,
  type KubeObject,
  type Service,
  serviceRules,
  type ServiceSpec,
} from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../admission/chain.ts";
import type { ObjectCaches } from "../cache/objects.ts";
import type { ServiceNetwork } from "../contract.ts";
import { invalid } from "../errors.ts";
import { formatAddress, parseAddress, parseCidr } from "./cidr.ts";
import { poolMeters } from "../metrics/allocation.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";
import { Pool } from "./pool.ts";

const {
  hasNodePorts,
  isUnchanged,
  nameAddresses,
  needsHealthCheckPort,
  needsNodePorts,
  settleFamilies,
  specOf,
} = serviceRules;

const defaultNodePorts = { from: 30000, to: 32767 };

export interface AllocationContext {
  caches: ObjectCaches;
  random: () => number;
  network: ServiceNetwork;
  /** Of the clock that goes on steadily, in milliseconds. */
  now: () => number;
  /** Where it is counted what is given. */
  registry?: MetricsRegistry | undefined;
}

/** The part of the range that is kept for addresses asked for by name (KEP-3070). */
const reservedOf = (size: number): number => Math.min(Math.max(16, Math.floor(size / 16)), 256);

export function serviceAllocation({
  caches,
  random,
  network,
  registry,
  now,
}: AllocationContext): AdmissionPlugin {
  const range = parseCidr(network.serviceCidr);
  const ports = network.nodePorts ?? defaultNodePorts;
  // Neither the network's own address nor the broadcast address is given away.
  const addresses = new Pool(range.base + 1, range.size - 2, reservedOf(range.size), random);
  const portCount = ports.to - ports.from + 1;
  const nodePorts = new Pool(ports.from, portCount, Math.min(86, Math.floor(portCount / 32)), random);
  const addressMeters = registry && poolMeters(registry, network.serviceCidr, () => addresses.state);
  const portMeters = registry && poolMeters(registry, undefined, () => nodePorts.state);

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

  /** What stands against taking this address. A dry run asks the range alone, not who has it. */
  const addressProblem = (
    { dryRun }: AdmissionRequest,
    given: string,
    parsed: number | undefined,
    owner: string,
  ): string | undefined => {
    const inRange = parsed !== undefined && addresses.contains(parsed);
    if (dryRun)
      return inRange
        ? undefined
        : `the provided IP (${given}) is not in the valid range. The range of valid IPs is ${network.serviceCidr}`;
    if (!inRange) return "the provided network does not match the current range";
    return addresses.isFree(parsed, owner) ? undefined : "provided IP is already allocated";
  };

  const allocateAddresses = (request: AdmissionRequest, spec: ServiceSpec, owner: string): void => {
    if (spec.type === "ExternalName" || spec.clusterIPs?.[0] === "None") return;
    const began = now();
    const [given] = spec.clusterIPs ?? [];
    if (given) {
      const parsed = parseAddress(given);
      const problem = addressProblem(request, given, parsed, owner);
      if (problem) {
        addressMeters?.failed("static");
        fail(request, "spec.clusterIPs", spec.clusterIPs, `failed to allocate IP ${given}: ${problem}`);
      }
      if (request.dryRun) return;
      addresses.hold(parsed as number, owner);
      addressMeters?.allocated("static", now() - began);
      return;
    }
    if (request.dryRun) {
      // No address is looked for: the network's own stands for it.
      spec.clusterIP = formatAddress(range.base);
      spec.clusterIPs = [spec.clusterIP];
      return;
    }
    const taken = addresses.take(owner);
    if (taken === undefined) {
      addressMeters?.failed("dynamic");
      throw full(`a serviceIP for Service ${JSON.stringify(request.name)}`);
    }
    addressMeters?.allocated("dynamic", now() - began);
    spec.clusterIP = formatAddress(taken);
    spec.clusterIPs = [spec.clusterIP];
  };

  const takePort = (owner: string): number => {
    const taken = nodePorts.take(owner);
    if (taken === undefined) {
      portMeters?.failed("dynamic");
      throw full("a nodePort");
    }
    portMeters?.allocated("dynamic");
    return taken;
  };

  /** What stands against taking this port. `asked`: what the same request took before. */
  const portProblem = (
    { dryRun }: AdmissionRequest,
    port: number,
    owner: string,
    asked: ReadonlySet<number>,
  ): string | undefined => {
    // The original looks at the range only when it takes the port.
    if (!dryRun && !nodePorts.contains(port))
      return `provided port is not in the valid range. The range of valid ports is ${ports.from}-${ports.to}`;
    const free = nodePorts.isFree(port, owner) && !asked.has(port);
    return free ? undefined : "provided port is already allocated";
  };

  const holdPort = (
    request: AdmissionRequest,
    port: number,
    index: number,
    owner: string,
    asked: Set<number>,
  ): void => {
    const problem = portProblem(request, port, owner, asked);
    if (problem) {
      portMeters?.failed("static");
      fail(request, `spec.ports[${index}].nodePort`, port, problem);
    }
    nodePorts.hold(port, owner);
    asked.add(port);
    portMeters?.allocated("static");
  };

  /** Of a new Service: ports of the same number (of several protocols) share a node port. */
  const allocatePorts = (
    request: AdmissionRequest,
    spec: ServiceSpec,
    owner: string,
    asked: Set<number>,
  ): void => {
    const byPort = new Map<number, number>();
    const all = spec.ports ?? [];
    for (const [i, port] of all.entries()) {
      if (!port.nodePort && !needsNodePorts(spec)) continue;
      const known = byPort.get(port.port);
      if (known !== undefined) {
        if (port.nodePort && port.nodePort !== known) holdPort(request, port.nodePort, i, owner, asked);
        port.nodePort ||= known;
        continue;
      }
      const wanted = all.find((each) => each.port === port.port && each.nodePort)?.nodePort;
      if (wanted) holdPort(request, wanted, i, owner, asked);
      port.nodePort = wanted ?? takePort(owner);
      byPort.set(port.port, port.nodePort);
    }
  };

  /** Of a changed one: only what is new is asked for. */
  const changePorts = (
    request: AdmissionRequest,
    spec: ServiceSpec,
    before: ServiceSpec,
    owner: string,
    asked: Set<number>,
  ): void => {
    const old = new Set((before.ports ?? []).map(({ nodePort }) => nodePort));
    const seen = new Set<string>();
    for (const [i, port] of (spec.ports ?? []).entries()) {
      if (!port.nodePort && !needsNodePorts(spec)) continue;
      if (!port.nodePort) port.nodePort = takePort(owner);
      else if (!old.has(port.nodePort) && !asked.has(port.nodePort))
        holdPort(request, port.nodePort, i, owner, asked);
      const key = `{${port.protocol} ${port.nodePort}}`;
      if (seen.has(key)) throw new StatusError("", `duplicate nodePort: ${key}`, { code: 500 });
      seen.add(key);
    }
  };

  const allocateHealthCheck = (
    request: AdmissionRequest,
    spec: ServiceSpec,
    owner: string,
    asked: ReadonlySet<number>,
  ): void => {
    const wanted = spec.healthCheckNodePort;
    if (!wanted) {
      spec.healthCheckNodePort = takePort(owner);
      return;
    }
    const problem = portProblem(request, wanted, owner, asked);
    if (problem) throw internal(`failed to allocate requested HealthCheck NodePort ${wanted}: ${problem}`);
    nodePorts.hold(wanted, owner);
  };

  const allocateNew = (request: AdmissionRequest, spec: ServiceSpec, owner: string): void => {
    allocateAddresses(request, spec, owner);
    const asked = new Set<number>();
    if (hasNodePorts(spec)) allocatePorts(request, spec, owner, asked);
    if (needsHealthCheckPort(spec)) allocateHealthCheck(request, spec, owner, asked);
  };

  const allocateChanged = (
    request: AdmissionRequest,
    service: Service,
    old: Service,
    owner: string,
  ): void => {
    const [spec, before] = [specOf(service), specOf(old)];
    if (before.type === "ExternalName" && !isUnchanged(service, old)) allocateAddresses(request, spec, owner);
    const asked = new Set<number>();
    if (hasNodePorts(spec)) changePorts(request, spec, before, owner, asked);
    if (needsHealthCheckPort(spec) && !needsHealthCheckPort(before))
      allocateHealthCheck(request, spec, owner, asked);
  };

  return {
    name: "ServiceAllocation",
    allocate(request) {
      const service = serviceOf(request);
      if (!service?.spec || request.subresource !== "") return;
      const owner = ownerOf(service);
      const old = request.oldObject as Service | undefined;
      if (!old) nameAddresses(service.spec);
      const problems = settleFamilies(service, old, "IPv4");
      if (problems.length > 0) throw invalid(request.resource.def, request.name, problems);
      if (old) allocateChanged(request, service, old, owner);
      else allocateNew(request, service.spec, owner);
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

const internal = (text: string): StatusError =>
  new StatusError("InternalError", `Internal error occurred: ${text}`, {
    details: { causes: [{ message: text }] },
  });

const full = (what: string): StatusError => internal(`failed to allocate ${what}: range is full`);

function fail(request: AdmissionRequest, field: string, value: unknown, detail: string): never {
  const error: FieldError = {
    reason: "FieldValueInvalid",
    field,
    message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
  };
  throw invalid(request.resource.def, request.name, [error]);
}
