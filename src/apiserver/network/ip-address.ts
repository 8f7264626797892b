/** IPAddresses of Services (KEP-1880). */
import type { IPAddress, Service } from "../../api/index.ts";

const managedBy = "ipaddress.kubernetes.io/managed-by";
const family = "ipaddress.kubernetes.io/ip-family";
const allocator = "ipallocator.k8s.io";

/** The IPAddress with its owner. */
export function addressObject(address: string, { metadata }: Service): IPAddress {
  const { name = "", namespace = "" } = metadata ?? {};
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "IPAddress",
    metadata: { name: address, labels: { [family]: "IPv4", [managedBy]: allocator } },
    spec: { parentRef: { resource: "services", namespace, name } },
  };
}

/** True when the allocator created it, and not a user to reserve the address. */
export const isManaged = ({ metadata }: IPAddress): boolean => metadata?.labels?.[managedBy] === allocator;

/** True when it has the allocator's labels. */
export const isLabelled = (object: IPAddress): boolean =>
  isManaged(object) && object.metadata?.labels?.[family] === "IPv4";

export const addressesOf = ({ spec }: Service): string[] =>
  (spec?.clusterIPs ?? []).filter((each) => each !== "" && each !== "None");
