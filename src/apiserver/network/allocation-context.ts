import type { AddressWriter } from "./address-objects.ts";
import type { ObjectCaches } from "../cache/objects.ts";
import type { ServiceNetwork } from "../contract.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";

/** What the allocation of addresses and ports works with. */
export interface AllocationContext {
  caches: ObjectCaches;
  random: () => number;
  network: ServiceNetwork;
  /** For the IPAddresses that go with addresses. */
  writer: AddressWriter;
  /** Of the clock that goes on steadily, in milliseconds. */
  now: () => number;
  /** Where it is counted what is given. */
  registry?: MetricsRegistry | undefined;
}
