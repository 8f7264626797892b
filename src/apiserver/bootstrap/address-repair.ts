/** Finds inconsistencies between Services and IPAddresses, like kube-apiserver's repair controller (KEP-1880). */
import type { IPAddress, Service } from "../../api/index.ts";
import { type Cidr, parseAddress } from "../network/cidr.ts";
import { addressesOf, isLabelled, isManaged } from "../network/ip-address.ts";

/** The IPAddress is created before its Service; a request takes no longer than this. */
const writeMs = 60_000;
/** Time for a refused update of a Service to delete its second address. */
const takeBackMs = 5_000;

export type Repair =
  /** The Service has none, or `instead` has another owner (`isForeign`) or lacks the allocator's labels. */
  | { kind: "make"; address: string; service: Service; instead: IPAddress | undefined; isForeign: boolean }
  /** Its Service was deleted, or has other addresses. */
  | { kind: "delete"; object: IPAddress; service: Service | undefined }
  /** Two Services have it: an administrator has to decide which one to recreate. */
  | { kind: "tell"; address: string; service: Service; owner: Service }
  /** It is in no range: an administrator has to recreate the Service. */
  | { kind: "outside"; address: string; service: Service };

export interface Found {
  services: readonly Service[];
  addresses: readonly IPAddress[];
  /** Ranges of all ServiceCIDRs, ready or not: outside of them nothing is created. */
  ranges: readonly Cidr[];
  now: number;
}

export function findRepairs({ services, addresses, ranges, now }: Found): Repair[] {
  const byName = new Map(addresses.map((each) => [each.metadata?.name ?? "", each]));
  const byKey = new Map(services.map((each) => [keyOf(each.metadata), each]));
  const parentOf = ({ spec }: IPAddress): Service | undefined =>
    spec?.parentRef && byKey.get(keyOf(spec.parentRef));
  const repairs: Repair[] = [];
  const replaced = new Set<IPAddress>();
  for (const service of services) {
    for (const address of addressesOf(service)) {
      if (!isWithin(ranges, address)) {
        repairs.push({ kind: "outside", address, service });
        continue;
      }
      const present = byName.get(address);
      const owner = present && isOfService(present) ? parentOf(present) : undefined;
      if (present && owner && isLabelled(present)) {
        if (owner !== service && addressesOf(owner).includes(address))
          repairs.push({ kind: "tell", address, service, owner });
        continue;
      }
      if (present) replaced.add(present);
      repairs.push({ kind: "make", address, service, instead: present, isForeign: !owner });
    }
  }
  for (const object of addresses) {
    if (!isManaged(object) || replaced.has(object)) continue;
    const service = isOfService(object) ? parentOf(object) : undefined;
    if (!isOfService(object) || isLeftOver(object, service, now))
      repairs.push({ kind: "delete", object, service });
  }
  return repairs;
}

const keyOf = (named: { namespace?: string; name?: string } | undefined): string =>
  `${named?.namespace}/${named?.name}`;

export const isOfService = ({ spec }: IPAddress): boolean =>
  !spec?.parentRef?.group && spec?.parentRef?.resource === "services";

const isWithin = (ranges: readonly Cidr[], text: string): boolean => {
  const address = parseAddress(text);
  return (
    address !== undefined && ranges.some(({ base, size }) => address > base && address < base + size - 1)
  );
};

function isLeftOver({ metadata }: IPAddress, service: Service | undefined, now: number): boolean {
  const made = Date.parse(metadata?.creationTimestamp ?? "");
  const age = now - made;
  if (!service) return age > writeMs;
  if (addressesOf(service).includes(metadata?.name ?? "")) return false;
  // It may be changing to a type with addresses.
  if (service.spec?.type === "ExternalName" && age < writeMs) return false;
  return !(made > Date.parse(service.metadata?.creationTimestamp ?? "") && age < takeBackMs);
}
