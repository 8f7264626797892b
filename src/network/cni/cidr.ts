/** An IPv4 prefix as numbers. */
export interface Cidr {
  base: number;
  bits: number;
}

/** Throws when the text is not an IPv4 prefix such as `10.64.0.0/24`. */
export function parseCidr(text: string): Cidr {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const bits = Number(match?.[5]);
  const parts = (match?.slice(1, 5) ?? []).map(Number);
  if (!match || bits > 32 || parts.some((part) => part > 255)) {
    throw new Error(`"${text}" is not an IPv4 range like 10.64.0.0/24`);
  }
  const address = parts.reduce((sum, part) => sum * 256 + part, 0);
  return { base: address - (address % 2 ** (32 - bits)), bits };
}

export function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

export function addressNumber(text: string): number {
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The number of addresses of the range, including the first and the last. */
export function rangeSize(cidr: Cidr): number {
  return 2 ** (32 - cidr.bits);
}

/** By convention the first usable address of a node's range is its gateway: the bridge. */
export function gatewayOf(range: string): string {
  return addressText(parseCidr(range).base + 1);
}
