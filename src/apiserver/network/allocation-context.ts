import type { AddressWriter } from "./address-objects.ts";
import type { ObjectCaches } from "../cache/objects.ts";
import type { ServiceNetwork } from "../contract.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";

/** Dependencies of the allocation of addresses and ports. */
export interface AllocationContext {
  caches: ObjectCaches;
  random: () => number;
  network: ServiceNetwork;
  /** Writes IPAddresses. */
  writer: AddressWriter;
  /** Monotonic clock, in milliseconds. */
  now: () => number;
  /** For metrics of allocations. */
  registry?: MetricsRegistry | undefined;
}
