/** IPv4 ranges. */
export interface Cidr {
  text: string;
  /** First address of the range (the network address). */
  base: number;
  /** Number of addresses, including the first and the last. */
  size: number;
}

/** undefined if it is not `a.b.c.d/n`, larger than `/8`, or without a usable address. */
export function readCidr(text: string): Cidr | undefined {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(text);
  const address = match && parseAddress(match[1] as string);
  const bits = Number(match?.[2]);
  if (address === undefined || address === null || bits > 30 || bits < 8) return undefined;
  const size = 2 ** (32 - bits);
  return { text, base: address - (address % size), size };
}

/** Throws when it is not `a.b.c.d/n`. */
export function parseCidr(text: string): Cidr {
  const cidr = readCidr(text);
  if (!cidr) throw new Error(`${text} is not an IPv4 range such as 10.96.0.0/16`);
  return cidr;
}

export function parseAddress(text: string): number | undefined {
  const parts = text.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export const formatAddress = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
