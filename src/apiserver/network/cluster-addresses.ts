/** Allocates ClusterIPs of Services. */
import type { Service, ServiceSpec } from "../../api/index.ts";
import type { AdmissionRequest } from "../admission/chain.ts";
import { isReason } from "../../machinery/index.ts";
import { AddressObjects } from "./address-objects.ts";
import { rangeIsFull, refuseValue } from "./allocation-errors.ts";
import type { AllocationContext } from "./allocation-context.ts";
import { type AddressRange, AddressRanges } from "./address-ranges.ts";
import { formatAddress, parseAddress } from "./cidr.ts";
import type { Taken } from "./taken.ts";

export class ClusterAddresses {
  readonly #ranges: AddressRanges;
  readonly #objects: AddressObjects;
  readonly #now: () => number;

  constructor(context: AllocationContext) {
    this.#ranges = new AddressRanges(context);
    this.#objects = new AddressObjects(context.writer);
    this.#now = context.now;
  }

  get taken(): Taken {
    return this.#ranges.taken;
  }

  /** The addresses of a Service. */
  numbersOf({ spec }: Service): number[] {
    return (spec?.clusterIPs ?? []).map(parseAddress).filter((each) => each !== undefined);
  }

  /** Allocates the requested address, or any, and creates its IPAddress. A dry run allocates none. */
  async allocate(request: AdmissionRequest, spec: ServiceSpec, owner: string): Promise<void> {
    if (spec.type === "ExternalName" || spec.clusterIPs?.[0] === "None") return;
    const [given] = spec.clusterIPs ?? [];
    if (request.dryRun && !this.#ranges.ownIsReady) refuse(request, given, "allocator not ready");
    if (given) await this.#hold(request, given, owner);
    else {
      spec.clusterIP = request.dryRun ? this.#ranges.placeholder : await this.#take(request, owner);
      spec.clusterIPs = [spec.clusterIP];
    }
  }

  /** The write has ended; deletes the IPAddress when it failed. */
  settle(request: AdmissionRequest, stored: boolean): Promise<void> {
    return this.#objects.settle(request, stored);
  }

  async #hold(request: AdmissionRequest, given: string, owner: string): Promise<void> {
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
    try {
      await this.#objects.publish(request, formatAddress(address as number));
    } catch (error) {
      range?.meters?.failed("static");
      refuse(request, given, isReason(error, "AlreadyExists") ? allocated : textOf(error));
    }
    range?.meters?.allocated("static", this.#now() - began);
  }

  async #take(request: AdmissionRequest, owner: string): Promise<string> {
    const began = this.#now();
    for (const range of this.#ranges.all) {
      const taken = await this.#takeFrom(range, request, owner);
      if (taken === undefined) {
        range.meters?.failed("dynamic");
        continue;
      }
      range.meters?.allocated("dynamic", this.#now() - began);
      return taken;
    }
    throw rangeIsFull(`a serviceIP for Service ${JSON.stringify(request.name)}`);
  }

  /** Undefined when the range is full. */
  async #takeFrom(
    { pool, meters }: AddressRange,
    request: AdmissionRequest,
    owner: string,
  ): Promise<string | undefined> {
    for (;;) {
      const number = pool.take(owner, request);
      if (number === undefined) return undefined;
      const address = formatAddress(number);
      try {
        await this.#objects.publish(request, address);
        return address;
      } catch (error) {
        // Created concurrently. The address stays held by this request, so that the next search finds another.
        if (isReason(error, "AlreadyExists")) continue;
        meters?.failed("dynamic");
        refuse(request, undefined, textOf(error));
      }
    }
  }

  /** Why this address is not available. A dry run only checks the server's own range, not the owner. */
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
    return this.taken.isFree(address as number, owner) ? undefined : allocated;
  }
}

const allocated = "provided IP is already allocated";

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Throws 422 for a requested address, or for any. */
function refuse(request: AdmissionRequest, given: string | undefined, why: string): never {
  const detail = `failed to allocate IP${given ? ` ${given}` : ""}: ${why}`;
  refuseValue(request, "spec.clusterIPs", [given ?? ""], detail);
}
