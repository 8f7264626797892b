import { BlockList, isIP } from "node:net";

/** Loopback, link-local (cloud metadata services), multicast and unspecified addresses (RFC 6890). */
const others = new BlockList();
others.addSubnet("127.0.0.0", 8, "ipv4");
others.addSubnet("169.254.0.0", 16, "ipv4");
others.addSubnet("224.0.0.0", 4, "ipv4");
others.addAddress("0.0.0.0", "ipv4");
others.addAddress("255.255.255.255", "ipv4");
others.addAddress("::1", "ipv6");
others.addAddress("::", "ipv6");
others.addSubnet("fe80::", 10, "ipv6");
others.addSubnet("ff00::", 8, "ipv6");

/** As Go's `IP.IsGlobalUnicast`. False for an invalid address. */
export function isGlobalUnicast(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && !others.check(address, family === 6 ? "ipv6" : "ipv4");
}
