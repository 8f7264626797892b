/** ClusterIPs of Services. */
import type { Service, ServiceSpec } from "../../api/index.ts";
import type { AdmissionRequest } from "../admission/chain.ts";
import { rangeIsFull, refuseValue } from "./allocation-errors.ts";
import type { AllocationContext } from "./allocation-context.ts";
import { type AddressRange, AddressRanges } from "./address-ranges.ts";
import { formatAddress, parseAddress } from "./cidr.ts";
import type { Taken } from "./taken.ts";

export class ClusterAddresses {
  readonly #ranges: AddressRanges;
  readonly #now: () => number;

  constructor(context: AllocationContext) {
    this.#ranges = new AddressRanges(context);
    this.#now = context.now;
  }

  get taken(): Taken {
    return this.#ranges.taken;
  }

  /** What a Service has. */
  numbersOf({ spec }: Service): number[] {
    return (spec?.clusterIPs ?? []).map(parseAddress).filter((each) => each !== undefined);
  }

  /** Takes the address a Service asks for, or any. A dry run takes none. */
  allocate(request: AdmissionRequest, spec: ServiceSpec, owner: string): void {
    if (spec.type === "ExternalName" || spec.clusterIPs?.[0] === "None") return;
    const [given] = spec.clusterIPs ?? [];
    if (request.dryRun && !this.#ranges.ownIsReady) refuse(request, given, "allocator not ready");
    if (given) this.#hold(request, given, owner);
    else {
      spec.clusterIP = request.dryRun ? this.#ranges.placeholder : formatAddress(this.#take(request, owner));
      spec.clusterIPs = [spec.clusterIP];
    }
  }

  #hold(request: AdmissionRequest, given: string, owner: string): void {
    const began = this.#now();
    const address = parseAddress(given);
    const range = address === undefined ? undefined : this.#ranges.containing(address);
    const problem = this.#problem(request, given, address, range, owner);
    if (problem) {
      (range ?? this.#ranges.own).meters?.failed("static");
      refuse(request, given, problem);
    }
    if (request.dryRun) return;
    this.taken.hold(address as number, owner, request);
    range?.meters?.allocated("static", this.#now() - began);
  }

  #take(request: AdmissionRequest, owner: string): number {
    const began = this.#now();
    for (const { pool, meters } of this.#ranges.all) {
      const taken = pool.take(owner, request);
      if (taken === undefined) {
        meters?.failed("dynamic");
        continue;
      }
      meters?.allocated("dynamic", this.#now() - began);
      return taken;
    }
    throw rangeIsFull(`a serviceIP for Service ${JSON.stringify(request.name)}`);
  }

  /** What stands against taking this address. A dry run asks the server's own range alone, not who has it. */
  #problem(
    { dryRun }: AdmissionRequest,
    given: string,
    address: number | undefined,
    range: AddressRange | undefined,
    owner: string,
  ): string | undefined {
    const { own } = this.#ranges;
    if (dryRun)
      return range === own
        ? undefined
        : `the provided IP (${given}) is not in the valid range. The range of valid IPs is ${own.cidr.text}`;
    if (!range) return "the provided network does not match the current range";
    return this.taken.isFree(address as number, owner) ? undefined : "provided IP is already allocated";
  }
}

/** Throws the 422 for an address that was asked for, or for any. */
function refuse(request: AdmissionRequest, given: string | undefined, why: string): never {
  const detail = `failed to allocate IP${given ? ` ${given}` : ""}: ${why}`;
  refuseValue(request, "spec.clusterIPs", [given ?? ""], detail);
}
