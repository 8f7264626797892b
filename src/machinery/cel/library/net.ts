/** Addresses, networks and URLs. */
import { type GoUrl, parseGoUrl } from "../../go-url.ts";
import { CelEvaluationError, noSuchOverload } from "../errors.ts";
import type { Library } from "../functions.ts";
import { CelOpaque } from "../values.ts";

interface Address {
  readonly family: 4 | 6;
  readonly bits: bigint;
}
interface Network {
  readonly address: Address;
  readonly prefix: number;
}
type Ip = CelOpaque<Address>;
type Cidr = CelOpaque<Network>;

function parse4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function groupsOf(text: string): bigint[] | undefined {
  if (text === "") return [];
  const groups: bigint[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && part.includes(".")) {
      const four = parse4(part);
      if (four === undefined) return undefined;
      groups.push(four >> 16n, four & 0xffffn);
    } else if (/^[\da-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}

function parse6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? "");
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? "") : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return [...head, ...Array<bigint>(missing).fill(0n), ...tail].reduce(
    (bits, group) => (bits << 16n) | group,
    0n,
  );
}

function parseAddress(text: string): Address | undefined {
  if (text.includes(":")) {
    const bits = parse6(text);
    return bits === undefined ? undefined : { family: 6, bits };
  }
  const bits = parse4(text);
  return bits === undefined ? undefined : { family: 4, bits };
}

/** As RFC 5952 writes it: the longest run of zeros left out. */
function addressText({ family, bits }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  let [start, length] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && groups[j] === "0") j++;
    if (j - i > length) [start, length] = [i, j - i];
  }
  if (start < 0) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

const mapped = ({ family, bits }: Address): boolean => family === 6 && bits >> 32n === 0xffffn;
const quoted = JSON.stringify;

function whyNoIp(text: string): string | undefined {
  if (/^[^%]*:[^%]*%.+/.test(text)) return `IP address ${quoted(text)} with zone value is not allowed`;
  const address = parseAddress(text);
  if (!address)
    return `IP Address ${quoted(text)} parse error during conversion from string: ParseAddr(${quoted(text)}): unable to parse IP`;
  return mapped(address) ? `IPv4-mapped IPv6 address ${quoted(text)} is not allowed` : undefined;
}

const ipOf = (address: Address): Ip => new CelOpaque("net.IP", address, addressText(address));

function needIp(text: string): Ip {
  const why = whyNoIp(text);
  if (why) throw new CelEvaluationError(why);
  return ipOf(parseAddress(text) as Address);
}

function parseNetwork(text: string): Network | undefined {
  const [head = "", tail = "", more] = text.split("/");
  const address = parseAddress(head);
  if (!address || more !== undefined || !/^(0|[1-9]\d{0,2})$/.test(tail) || mapped(address)) return undefined;
  const prefix = Number(tail);
  return prefix > (address.family === 4 ? 32 : 128) ? undefined : { address, prefix };
}

const networkText = ({ address, prefix }: Network): string => `${addressText(address)}/${prefix}`;
const cidrOf = (network: Network): Cidr => new CelOpaque("net.CIDR", network, networkText(network));

function needCidr(text: string): Cidr {
  const network = parseNetwork(text);
  if (!network)
    throw new CelEvaluationError(
      `network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix(${quoted(text)}): no '/'`,
    );
  return cidrOf(network);
}

/** For Kubernetes an invalid address is an argument of an unknown type. */
function given<T>(parse: () => T): T {
  try {
    return parse();
  } catch {
    throw noSuchOverload();
  }
}

const hostBits = ({ address, prefix }: Network): bigint => BigInt((address.family === 4 ? 32 : 128) - prefix);
const contains = (network: Network, { family, bits }: Address): boolean =>
  network.address.family === family &&
  bits >> hostBits(network) === network.address.bits >> hostBits(network);
const containsNetwork = (a: Network, b: Network): boolean => a.prefix <= b.prefix && contains(a, b.address);

/** Whether the leading bits of the address are these, for its family. */
const within = (address: Address, ...networks: string[]): boolean =>
  networks.some((each) => contains(parseNetwork(each) as Network, address));

const unspecified = ({ bits }: Address): boolean => bits === 0n;
const loopback = (address: Address): boolean => within(address, "127.0.0.0/8", "::1/128");
const linkLocalUnicast = (address: Address): boolean => within(address, "169.254.0.0/16", "fe80::/10");
const multicast = (address: Address): boolean => within(address, "224.0.0.0/4", "ff00::/8");
const broadcast = (address: Address): boolean => within(address, "255.255.255.255/32");

export const addresses: Library = {
  "ip(string): net.IP": (_meter, text: string) => needIp(text),
  "isIP(string): bool": (_meter, text: string) => whyNoIp(text) === undefined,
  "ip.isCanonical(string): bool": (_meter, text: string) => needIp(text).key === text,
  "net.IP.family(): int": (_meter, { value }: Ip) => BigInt(value.family),
  "net.IP.isUnspecified(): bool": (_meter, { value }: Ip) => unspecified(value),
  "net.IP.isLoopback(): bool": (_meter, { value }: Ip) => loopback(value),
  "net.IP.isLinkLocalMulticast(): bool": (_meter, { value }: Ip) =>
    value.family === 4 ? within(value, "224.0.0.0/24") : ((value.bits >> 112n) & 0xff0fn) === 0xff02n,
  "net.IP.isLinkLocalUnicast(): bool": (_meter, { value }: Ip) => linkLocalUnicast(value),
  "net.IP.isGlobalUnicast(): bool": (_meter, { value }: Ip) =>
    !unspecified(value) &&
    !loopback(value) &&
    !multicast(value) &&
    !linkLocalUnicast(value) &&
    !broadcast(value),
  "string(net.IP): string": (_meter, { key }: Ip) => key,
  "cidr(string): net.CIDR": (_meter, text: string) => needCidr(text),
  "isCIDR(string): bool": (_meter, text: string) => parseNetwork(text) !== undefined,
  "net.CIDR.containsIP(net.IP): bool": (_meter, { value }: Cidr, ip: Ip) => contains(value, ip.value),
  "net.CIDR.containsIP(string): bool": (_meter, { value }: Cidr, text: string) =>
    contains(value, given(() => needIp(text)).value),
  "net.CIDR.containsCIDR(net.CIDR): bool": (_meter, { value }: Cidr, other: Cidr) =>
    containsNetwork(value, other.value),
  "net.CIDR.containsCIDR(string): bool": (_meter, { value }: Cidr, text: string) =>
    containsNetwork(value, given(() => needCidr(text)).value),
  "net.CIDR.ip(): net.IP": (_meter, { value }: Cidr) => ipOf(value.address),
  "net.CIDR.prefixLength(): int": (_meter, { value }: Cidr) => BigInt(value.prefix),
  "net.CIDR.masked(): net.CIDR": (_meter, { value }: Cidr) => {
    const host = hostBits(value);
    const bits = (value.address.bits >> host) << host;
    return cidrOf({ ...value, address: { ...value.address, bits } });
  },
  "string(net.CIDR): string": (_meter, { key }: Cidr) => key,
};

type U = CelOpaque<GoUrl>;

/** Go's url.ParseRequestURI. Returns a text for an error. */
export const parseUrl = (text: string): GoUrl | string => parseGoUrl(text, { request: true });

const portOf = (host: string): string => /:(\d*)$/.exec(host)?.[1] ?? "";
const nameOf = (host: string): string => host.replace(/:\d*$/, "").replace(/^\[(.*)\]$/, "$1");

export const urls: Library = {
  "url(string): kubernetes.URL": (_meter, text: string) => {
    const url = parseUrl(text);
    if (typeof url === "string")
      throw new CelEvaluationError(`URL parse error during conversion from string: ${url}`);
    return new CelOpaque("kubernetes.URL", url, text);
  },
  "isURL(string): bool": (_meter, text: string) => typeof parseUrl(text) !== "string",
  "kubernetes.URL.getScheme(): string": (_meter, { value }: U) => value.scheme,
  "kubernetes.URL.getHost(): string": (_meter, { value }: U) => value.host,
  "kubernetes.URL.getHostname(): string": (_meter, { value }: U) => nameOf(value.host),
  "kubernetes.URL.getPort(): string": (_meter, { value }: U) => portOf(value.host),
  "kubernetes.URL.getEscapedPath(): string": (_meter, { value }: U) =>
    encodeURI(value.path).replaceAll("%25", "%"),
  "kubernetes.URL.getQuery(): map<string, list<string>>": (_meter, { value }: U) => {
    const made = new Map<string, string[]>();
    for (const [key, each] of new URLSearchParams(value.query)) {
      const known = made.get(key);
      if (known) known.push(each);
      else made.set(key, [each]);
    }
    return made;
  },
};
