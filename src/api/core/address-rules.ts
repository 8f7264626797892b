/**
 * Validation of addresses and CIDRs: those of newer fields must be in canonical form, those of older ones only unambiguous
 * (apimachinery's IsValidIP and IsValidIPForLegacyField), with warnings for unusual forms.
 */
import { invalid } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";

/** An address parsed as leniently as in any Kubernetes version. */
export interface ParsedAddress {
  /** 4 or 16. An IPv4-mapped IPv6 address (`::ffff:1.2.3.4`) has 4. */
  bytes: readonly number[];
  /** Parts of an IPv4 address have leading zeros. */
  leadingZeros: boolean;
  /** Written as `::ffff:1.2.3.4`. */
  mapped: boolean;
}

function parseV4(text: string): { bytes: number[]; leadingZeros: boolean } | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d+$/.test(part) && Number(part) <= 255))
    return undefined;
  return { bytes: parts.map(Number), leadingZeros: parts.some((part) => part.length > 1 && part[0] === "0") };
}

function parseV6(text: string): { bytes: number[]; leadingZeros: boolean } | undefined {
  const halves = text.split("::");
  if (halves.length > 2 || !text.includes(":")) return undefined;
  let leadingZeros = false;
  const [head, tail] = halves.map((half, i) => {
    const bytes: number[] = [];
    const parts = half === "" ? [] : half.split(":");
    for (const [j, part] of parts.entries()) {
      if (part.includes(".") && i === halves.length - 1 && j === parts.length - 1) {
        const v4 = parseV4(part);
        if (!v4) return undefined;
        leadingZeros = v4.leadingZeros;
        bytes.push(...v4.bytes);
      } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
        const group = Number.parseInt(part, 16);
        bytes.push(group >> 8, group & 0xff);
      } else return undefined;
    }
    return bytes;
  });
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const missing = 16 - head.length - (tail?.length ?? 0);
  if (tail ? missing < 2 : missing !== 0) return undefined;
  return { bytes: [...head, ...Array.from({ length: missing }, () => 0), ...(tail ?? [])], leadingZeros };
}

export function parseAddress(text: string): ParsedAddress | undefined {
  const v4 = parseV4(text);
  if (v4) return { ...v4, mapped: false };
  const v6 = parseV6(text);
  if (!v6) return undefined;
  const mapped =
    v6.bytes.slice(0, 10).every((each) => each === 0) && v6.bytes[10] === 255 && v6.bytes[11] === 255;
  return { bytes: mapped ? v6.bytes.slice(12) : v6.bytes, leadingZeros: v6.leadingZeros, mapped };
}

/** The canonical form (RFC 5952 for IPv6). */
export function formatAddress(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  let best = { at: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (groups[i + length] === 0) length++;
    if (length > best.length) best = { at: i, length };
    i += length;
  }
  const hex = (part: number[]): string => part.map((each) => each.toString(16)).join(":");
  if (best.at < 0) return hex(groups);
  return `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`;
}

const addressText = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const cidrText = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/** Errors of an address in an older field. */
function legacyAddressTexts(value: string): string[] {
  const address = parseAddress(value);
  if (!address) return [addressText];
  if (address.leadingZeros) return ["must not have leading 0s"];
  return address.mapped ? ["must not be an IPv4-mapped IPv6 address"] : [];
}

/** Errors of an address that must be canonical. */
export function addressTexts(value: string): string[] {
  const texts = legacyAddressTexts(value);
  if (texts.length > 0) return texts;
  const canonical = formatAddress((parseAddress(value) as ParsedAddress).bytes);
  return canonical === value ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

/** `known`: values of the old object. */
export const legacyAddressProblems = (
  path: string,
  value: string,
  known: readonly string[] = [],
): FieldError[] =>
  known.includes(value) ? [] : legacyAddressTexts(value).map((text) => invalid(path, value, text));

export const addressProblems = (path: string, value: string): FieldError[] =>
  addressTexts(value).map((text) => invalid(path, value, text));

/** Warnings for a valid address of an older field. */
export function addressWarnings(path: string, value: string): string[] {
  const address = parseAddress(value);
  if (!address) return [];
  const canonical = formatAddress(address.bytes);
  if (address.leadingZeros || address.mapped)
    return [
      `${path}: non-standard IP address ${JSON.stringify(value)} is invalid: use ${JSON.stringify(canonical)}`,
    ];
  if (address.bytes.length === 16 && canonical !== value)
    return [
      `${path}: IPv6 address ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`,
    ];
  return [];
}

export interface ParsedCidr {
  address: ParsedAddress;
  /** Prefix length in the address family. */
  length: number;
  /** Prefix length as written: up to 128 for an IPv4-mapped IPv6 address. */
  written: number;
  leadingZeros: boolean;
  /** The network address: the bits after the prefix are zero. */
  network: readonly number[];
}

export function parseCidr(text: string): ParsedCidr | undefined {
  const slash = text.indexOf("/");
  const address = slash < 0 ? undefined : parseAddress(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (!address || !/^\d+$/.test(bits)) return undefined;
  const given = Number(bits);
  if (given > (address.mapped ? 128 : address.bytes.length * 8)) return undefined;
  const length = address.mapped ? Math.max(0, given - 96) : given;
  const network = address.bytes.map(
    (byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - 8 * i))) & 0xff,
  );
  return {
    address,
    length,
    written: given,
    network,
    leadingZeros: address.leadingZeros || (bits.length > 1 && bits[0] === "0"),
  };
}

const sameBytes = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

const networkText = ({ network, length }: ParsedCidr): string => `${formatAddress(network)}/${length}`;

/** Errors of a CIDR in an older field; `known`: values of the old object. */
export function legacyCidrProblems(path: string, value: string, known: readonly string[] = []): FieldError[] {
  if (known.includes(value)) return [];
  const cidr = parseCidr(value);
  if (!cidr) return [invalid(path, value, cidrText)];
  if (cidr.leadingZeros) return [invalid(path, value, "must not have leading 0s in IP or prefix length")];
  if (cidr.address.mapped) return [invalid(path, value, "must not have an IPv4-mapped IPv6 address")];
  if (!sameBytes(cidr.network, cidr.address.bytes))
    return [invalid(path, value, "must not have bits set beyond the prefix length")];
  return [];
}

/** Errors of a CIDR that must be canonical. */
export function cidrProblems(path: string, value: string): FieldError[] {
  const errors = legacyCidrProblems(path, value);
  if (errors.length > 0) return errors;
  const canonical = networkText(parseCidr(value) as ParsedCidr);
  return canonical === value
    ? []
    : [invalid(path, value, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

/** Warnings for a valid CIDR of an older field. */
export function cidrWarnings(path: string, value: string): string[] {
  const cidr = parseCidr(value);
  if (!cidr) return [];
  const warnings: string[] = [];
  const { address, network, leadingZeros } = cidr;
  const shown = JSON.stringify(value);
  const canonical = JSON.stringify(networkText(cidr));
  if (!sameBytes(network, address.bytes)) {
    const single = JSON.stringify(
      `${formatAddress(address.bytes)}/${address.mapped ? 128 : address.bytes.length * 8}`,
    );
    warnings.push(
      `${path}: CIDR value ${shown} is ambiguous in this context (should be ${canonical} or ${single}?)`,
    );
  }
  if (leadingZeros || address.mapped)
    warnings.push(`${path}: non-standard CIDR value ${shown} is invalid: use ${canonical}`);
  if (warnings.length > 0 || address.bytes.length !== 16) return warnings;
  const written = `${formatAddress(address.bytes)}/${cidr.length}`;
  if (written !== value)
    warnings.push(
      `${path}: IPv6 CIDR value ${shown} should be in RFC 5952 canonical format (${JSON.stringify(written)})`,
    );
  return warnings;
}

/** A prefix shorter than that of IPv4-mapped addresses. */
const isCutShort = ({ address, written }: ParsedCidr): boolean => address.mapped === true && written < 96;

/** True when `inner` is a proper part of `outer` as Go computes it: with prefix lengths as written. */
export function isStrictSubset(inner: ParsedCidr, outer: ParsedCidr): boolean {
  if (inner.network.length !== outer.network.length || inner.written <= outer.written) return false;
  if (isCutShort(inner) || isCutShort(outer)) return false;
  return outer.network.every(
    (byte, i) =>
      byte === ((inner.network[i] ?? 0) & (0xff00 >> Math.min(8, Math.max(0, outer.length - 8 * i))) & 0xff),
  );
}

const startsWith = (bytes: readonly number[], ...prefix: number[]): boolean =>
  prefix.every((byte, i) => bytes[i] === byte);

/** Why a valid address cannot be an endpoint: others could not reach it. */
export function endpointAddressProblems(path: string, value: string): FieldError[] {
  const bytes = parseAddress(value)?.bytes;
  if (!bytes) return [];
  const zero = bytes.every((byte) => byte === 0);
  const errors: FieldError[] = [];
  const say = (text: string): void => void errors.push(invalid(path, value, text));
  if (zero) say(`may not be unspecified (${value})`);
  const loop =
    bytes.length === 4 ? bytes[0] === 127 : bytes.at(-1) === 1 && bytes.slice(0, 15).every((b) => b === 0);
  if (loop) say("may not be in the loopback range (127.0.0.0/8, ::1/128)");
  const v4 = bytes.length === 4;
  if (v4 ? startsWith(bytes, 169, 254) : bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80)
    say("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  if (v4 ? startsWith(bytes, 224, 0, 0) : bytes[0] === 0xff && ((bytes[1] ?? 0) & 0x0f) === 0x02)
    say("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  return errors;
}
