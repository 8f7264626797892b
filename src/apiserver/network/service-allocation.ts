/** Allocates ClusterIPs and node ports of Services. */
import {
  type IPAddress,
  type KubeObject,
  type Service,
  serviceRules,
  type ServiceSpec,
} from "../../api/index.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../admission/chain.ts";
import { invalid } from "../errors.ts";
import type { AllocationContext } from "./allocation-context.ts";
import { parseAddress } from "./cidr.ts";
import { ClusterAddresses } from "./cluster-addresses.ts";
import { NodePorts } from "./node-ports.ts";

const { isUnchanged, nameAddresses, settleFamilies, specOf } = serviceRules;

const ownerOf = (object: KubeObject): string => `${object.metadata?.namespace}/${object.metadata?.name}`;

const serviceOf = ({ resource, object }: AdmissionRequest): Service | undefined =>
  resource.def.group === "" && resource.def.kind === "Service" ? (object as Service | undefined) : undefined;

/** Follows stored Services and IPAddresses, which determine what is taken. */
export function serviceAllocation(context: AllocationContext): AdmissionPlugin {
  const { caches } = context;
  const addresses = new ClusterAddresses(context);
  const nodePorts = new NodePorts(context);
  const all = [addresses, nodePorts];
  const note = (service: Service, as: "own" | "disown"): void => {
    for (const each of all)
      for (const number of each.numbersOf(service)) each.taken[as](number, ownerOf(service));
  };
  for (const service of caches.list<Service>("", "services")) note(service, "own");
  caches.onChange<Service>("", "services", (type, service, old) => {
    if (old) note(old, "disown");
    if (type !== "deleted") note(service, "own");
  });
  // An address with an IPAddress is not allocated, whoever owns it.
  const noteAddress = (object: IPAddress, as: "own" | "disown"): void => {
    const address = parseAddress(object.metadata?.name ?? "");
    if (address !== undefined) addresses.taken[as](address, "an IPAddress");
  };
  for (const each of caches.list<IPAddress>("networking.k8s.io", "ipaddresses")) noteAddress(each, "own");
  caches.onChange<IPAddress>("networking.k8s.io", "ipaddresses", (type, object) =>
    noteAddress(object, type === "deleted" ? "disown" : "own"),
  );

  return {
    name: "ServiceAllocation",
    allocate(request) {
      const service = serviceOf(request);
      return service?.spec && request.subresource === "" ? allocate(request, service) : undefined;
    },
    release(request, stored) {
      if (!serviceOf(request)) return;
      for (const { taken } of all) taken.letGo(request);
      return addresses.settle(request, stored);
    },
  };

  async function allocate(request: AdmissionRequest, service: Service): Promise<void> {
    const owner = ownerOf(service);
    const old = request.oldObject as Service | undefined;
    if (!old) nameAddresses(service.spec as ServiceSpec);
    const problems = settleFamilies(service, old, "IPv4");
    if (problems.length > 0) throw invalid(request.resource.def, request.name, problems);
    const [spec, before] = [specOf(service), old && specOf(old)];
    if (!old || (before?.type === "ExternalName" && !isUnchanged(service, old)))
      await addresses.allocate(request, spec, owner);
    nodePorts.allocate(request, spec, before, owner);
  }
}
