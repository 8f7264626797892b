/** Gives Services their ClusterIPs and node ports. */
import { type KubeObject, type Service, serviceRules } from "../../api/index.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../admission/chain.ts";
import { invalid } from "../errors.ts";
import type { AllocationContext } from "./allocation-context.ts";
import { ClusterAddresses } from "./cluster-addresses.ts";
import { NodePorts } from "./node-ports.ts";

const { isUnchanged, nameAddresses, settleFamilies, specOf } = serviceRules;

const ownerOf = (object: KubeObject): string => `${object.metadata?.namespace}/${object.metadata?.name}`;

const serviceOf = ({ resource, object }: AdmissionRequest): Service | undefined =>
  resource.def.group === "" && resource.def.kind === "Service" ? (object as Service | undefined) : undefined;

/** Follows the stored Services: who has what is read from them. */
export function serviceAllocation(context: AllocationContext): AdmissionPlugin {
  const { caches } = context;
  const addresses = new ClusterAddresses(context);
  const nodePorts = new NodePorts(context);
  const note = (service: Service): void => {
    const owner = ownerOf(service);
    addresses.own(service, owner);
    nodePorts.own(service, owner);
  };
  for (const service of caches.list<Service>("", "services")) note(service);
  caches.onChange<Service>("", "services", (type, service, old) => {
    if (old) {
      const owner = ownerOf(old);
      addresses.disown(old, owner);
      nodePorts.disown(old, owner);
    }
    if (type !== "deleted") note(service);
  });

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
      const [spec, before] = [specOf(service), old && specOf(old)];
      if (!old || (before?.type === "ExternalName" && !isUnchanged(service, old)))
        addresses.allocate(request, spec, owner);
      nodePorts.allocate(request, spec, before, owner);
    },
    release(request) {
      if (!serviceOf(request)) return;
      addresses.letGo(request);
      nodePorts.letGo(request);
    },
  };
}
