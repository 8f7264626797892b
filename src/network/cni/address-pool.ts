import { mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addressNumber, addressText, parseCidr, rangeSize } from "./cidr.ts";

/** The record of an address in use; sufficient to undo the attachment after a restart. */
export interface Lease {
  address: string;
  containerId: string;
  ifName: string;
  /** Name of the veth's host end. */
  hostLink: string;
  portMappings: { protocol: string; containerPort: number; hostPort: number; hostIp: string }[];
}

export class NoAddressError extends Error {
  override readonly name = "NoAddressError";
}

/**
 * Addresses of a node's range: a file per address in use, created with O_EXCL, so that an address is never assigned twice, not
 * even by two processes. The files need not survive a crash of the machine (pods do not), so they are not synced.
 */
export class AddressPool {
  readonly #directory: string;
  readonly #first: number;
  readonly #last: number;
  readonly #reserved: ReadonlySet<string>;
  readonly #leases = new Map<string, Lease>();
  /** The address after the last one assigned: freed addresses are reused as late as possible. */
  #next: number;

  constructor(directory: string, range: string, reserved: readonly string[]) {
    const cidr = parseCidr(range);
    this.#directory = directory;
    this.#first = cidr.base + 1;
    this.#last = cidr.base + rangeSize(cidr) - 2;
    this.#reserved = new Set(reserved);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    let highest = this.#first - 1;
    for (const name of readdirSync(directory)) {
      const lease = readLease(join(directory, name));
      if (!lease) continue;
      this.#leases.set(leaseKey(lease.containerId, lease.ifName), lease);
      highest = Math.max(highest, addressNumber(lease.address));
    }
    this.#next = highest + 1;
  }

  find(containerId: string, ifName: string): Lease | undefined {
    return this.#leases.get(leaseKey(containerId, ifName));
  }

  list(): Lease[] {
    return [...this.#leases.values()];
  }

  /** The existing address of an attachment, or a new one. */
  take(wish: Omit<Lease, "address">): Lease {
    const known = this.find(wish.containerId, wish.ifName);
    if (known) return known;
    const count = this.#last - this.#first + 1;
    for (let tried = 0; tried < count; tried++) {
      if (this.#next > this.#last || this.#next < this.#first) this.#next = this.#first;
      const address = addressText(this.#next++);
      if (this.#reserved.has(address)) continue;
      const lease: Lease = { address, ...wish };
      if (!this.#write(lease)) continue;
      this.#leases.set(leaseKey(wish.containerId, wish.ifName), lease);
      return lease;
    }
    throw new NoAddressError(
      `no address is left in ${addressText(this.#first)}-${addressText(this.#last)}: ${this.#leases.size} are in use`,
    );
  }

  /** Undefined when there was none: releases are idempotent. */
  release(containerId: string, ifName: string): Lease | undefined {
    const key = leaseKey(containerId, ifName);
    const lease = this.#leases.get(key);
    if (!lease) return undefined;
    this.#leases.delete(key);
    try {
      unlinkSync(join(this.#directory, lease.address));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    return lease;
  }

  #write(lease: Lease): boolean {
    try {
      writeFileSync(join(this.#directory, lease.address), JSON.stringify(lease), { flag: "wx", mode: 0o600 });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
  }
}

function leaseKey(containerId: string, ifName: string): string {
  return `${containerId} ${ifName}`;
}

/** A file left incomplete by a crash belongs to an attachment that was never returned. */
function readLease(path: string): Lease | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Lease;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    unlinkSync(path);
    return undefined;
  }
}
