/** Ranges of ClusterIPs: the server's own, and those of ServiceCIDRs (KEP-1880). */
import type { ServiceCIDR } from "../../api/index.ts";
import { type PoolFamilies, type PoolMeters, poolFamilies } from "../metrics/allocation.ts";
import type { AllocationContext } from "./allocation-context.ts";
import { type Cidr, formatAddress, parseCidr, readCidr } from "./cidr.ts";
import { Pool } from "./pool.ts";
import { Taken } from "./taken.ts";

export interface AddressRange {
  cidr: Cidr;
  pool: Pool;
  meters: PoolMeters | undefined;
}

/** The size of the part that is preferred for static allocation (KEP-3070). */
const reservedOf = (size: number): number => Math.min(Math.max(16, Math.floor(size / 16)), 256);

/** Ready unless its condition says otherwise or it is being deleted. */
const isReady = ({ metadata, status }: ServiceCIDR): boolean =>
  !metadata?.deletionTimestamp &&
  (status?.conditions?.find(({ type }) => type === "Ready")?.status ?? "True") === "True";

const textsOf = (all: readonly ServiceCIDR[]): Set<string> =>
  new Set(all.flatMap(({ spec }) => spec?.cidrs ?? []));

export class AddressRanges {
  readonly taken = new Taken();
  /** Of the server's flags. */
  readonly own: AddressRange;
  #ownIsReady = true;
  readonly #others = new Map<string, AddressRange>();
  readonly #random: () => number;
  readonly #families: PoolFamilies | undefined;

  constructor({ caches, network, random, registry }: AllocationContext) {
    this.#random = random;
    this.#families = registry && poolFamilies(registry, "clusterip");
    this.own = this.#range(parseCidr(network.serviceCidr));
    const follow = (): void => this.#follow(caches.list("networking.k8s.io", "servicecidrs"));
    follow();
    caches.onChange("networking.k8s.io", "servicecidrs", follow);
  }

  /** Whether the server's own range may be used: its ServiceCIDR is missing or ready. */
  get ownIsReady(): boolean {
    return this.#ownIsReady;
  }

  /** The ready ranges, the server's own first. */
  get all(): AddressRange[] {
    return [...(this.#ownIsReady ? [this.own] : []), ...this.#others.values()];
  }

  /** The range of an address. */
  containing(address: number): AddressRange | undefined {
    return this.all.find(({ pool }) => pool.contains(address));
  }

  #follow(stored: readonly ServiceCIDR[]): void {
    const texts = textsOf(stored.filter(isReady));
    const own = this.own.cidr.text;
    this.#ownIsReady = texts.has(own) || !textsOf(stored).has(own);
    for (const [text, { meters }] of this.#others) {
      if (texts.has(text)) continue;
      this.#others.delete(text);
      meters?.end();
    }
    for (const text of texts) {
      const cidr = readCidr(text);
      if (!cidr || this.#others.has(text) || text === own) continue;
      this.#others.set(text, this.#range(cidr));
    }
  }

  #range(cidr: Cidr): AddressRange {
    const { base, size, text } = cidr;
    // Without the network and broadcast addresses.
    const pool = new Pool(base + 1, size - 2, reservedOf(size), this.#random, this.taken);
    return { cidr, pool, meters: this.#families?.(text, () => pool.state) };
  }

  /** Address in the answer of a dry run, which allocates none. */
  get placeholder(): string {
    return formatAddress(this.own.cidr.base);
  }
}
