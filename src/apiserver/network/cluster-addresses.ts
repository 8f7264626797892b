/** ClusterIPs of Services. */
import type { Service, ServiceSpec } from "../../api/index.ts";
import type { AdmissionRequest } from "../admission/chain.ts";
import { type PoolMeters, poolMeters } from "../metrics/allocation.ts";
import { rangeIsFull, refuseValue } from "./allocation-errors.ts";
import type { AllocationContext } from "./allocation-context.ts";
import { type Cidr, formatAddress, parseAddress, parseCidr } from "./cidr.ts";
import { Pool } from "./pool.ts";

/** The part of the range that is kept for addresses asked for by name (KEP-3070). */
const reservedOf = (size: number): number => Math.min(Math.max(16, Math.floor(size / 16)), 256);

export class ClusterAddresses {
  readonly #range: Cidr;
  readonly pool: Pool;
  readonly #now: () => number;
  readonly #meters: PoolMeters | undefined;

  constructor({ network, random, now, registry }: AllocationContext) {
    this.#range = parseCidr(network.serviceCidr);
    const { base, size } = this.#range;
    // Neither the network's own address nor the broadcast address is given away.
    this.pool = new Pool(base + 1, size - 2, reservedOf(size), random);
    this.#now = now;
    this.#meters = registry && poolMeters(registry, network.serviceCidr, () => this.pool.state);
  }

  /** What a Service has. */
  numbersOf({ spec }: Service): number[] {
    return (spec?.clusterIPs ?? []).map(parseAddress).filter((each) => each !== undefined);
  }

  /** Takes the address a Service asks for, or any. A dry run takes none. */
  allocate(request: AdmissionRequest, spec: ServiceSpec, owner: string): void {
    if (spec.type === "ExternalName" || spec.clusterIPs?.[0] === "None") return;
    const [given] = spec.clusterIPs ?? [];
    if (given) this.#hold(request, spec, given, owner);
    else {
      // In a dry run no address is looked for: the network's own stands for it.
      spec.clusterIP = formatAddress(request.dryRun ? this.#range.base : this.#take(request, owner));
      spec.clusterIPs = [spec.clusterIP];
    }
  }

  #hold(request: AdmissionRequest, spec: ServiceSpec, given: string, owner: string): void {
    const began = this.#now();
    const address = parseAddress(given);
    const problem = this.#problem(request, given, address, owner);
    if (problem) {
      this.#meters?.failed("static");
      refuseValue(request, "spec.clusterIPs", spec.clusterIPs, `failed to allocate IP ${given}: ${problem}`);
    }
    if (request.dryRun) return;
    this.pool.hold(address as number, owner, request);
    this.#meters?.allocated("static", this.#now() - began);
  }

  #take(request: AdmissionRequest, owner: string): number {
    const began = this.#now();
    const taken = this.pool.take(owner, request);
    if (taken === undefined) {
      this.#meters?.failed("dynamic");
      throw rangeIsFull(`a serviceIP for Service ${JSON.stringify(request.name)}`);
    }
    this.#meters?.allocated("dynamic", this.#now() - began);
    return taken;
  }

  /** What stands against taking this address. A dry run asks the range alone, not who has it. */
  #problem(
    { dryRun }: AdmissionRequest,
    given: string,
    address: number | undefined,
    owner: string,
  ): string | undefined {
    const inRange = address !== undefined && this.pool.contains(address);
    if (dryRun)
      return inRange
        ? undefined
        : `the provided IP (${given}) is not in the valid range. The range of valid IPs is ${this.#range.text}`;
    if (!inRange) return "the provided network does not match the current range";
    return this.pool.isFree(address, owner) ? undefined : "provided IP is already allocated";
  }
}
