import type { IPAddress, ServiceCIDR } from "../../api/index.ts";

/** Blocks the deletion of a ServiceCIDR while Services have addresses in it. */
export const finalizer = "networking.k8s.io/service-cidr-finalizer";

/** Minimum time before a deleted range is released, so that all allocators have seen its deletion. */
export const deletionGraceMs = 10_000;

export type Step =
  | { kind: "hold" }
  | { kind: "ready" }
  | { kind: "terminating" }
  | { kind: "wait"; ms: number }
  | { kind: "release" }
  | { kind: "nothing" };

interface Network {
  bits: bigint;
  size: number;
  length: number;
}

function bytesOf(address: string): number[] {
  if (!address.includes(":")) return address.split(".").map(Number);
  const [head = "", tail] = address.split("::");
  const bytes = (half: string): number[] =>
    half === ""
      ? []
      : half.split(":").flatMap((group) => {
          const value = Number.parseInt(group, 16);
          return [value >> 8, value & 0xff];
        });
  const [left, right] = [bytes(head), bytes(tail ?? "")];
  return [...left, ...Array.from({ length: 16 - left.length - right.length }, () => 0), ...right];
}

function networkOf(cidr: string): Network {
  const [address = "", length] = cidr.split("/");
  const bytes = bytesOf(address);
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  const size = bytes.length * 8;
  return { bits, size, length: length === undefined ? size : Number(length) };
}

/** `inner`: an address or a CIDR. */
function contains(outer: string, inner: string): boolean {
  const [a, b] = [networkOf(outer), networkOf(inner)];
  const beyond = BigInt(a.size - a.length);
  return a.size === b.size && a.length <= b.length && a.bits >> beyond === b.bits >> beyond;
}

const containers = (all: readonly ServiceCIDR[], inner: string): ServiceCIDR[] =>
  all.filter(
    ({ metadata, spec }) =>
      !metadata?.deletionTimestamp && (spec?.cidrs ?? []).some((cidr) => contains(cidr, inner)),
  );

/** True when every Service's address is in another range. */
function mayGo(given: ServiceCIDR, all: readonly ServiceCIDR[], addresses: readonly IPAddress[]): boolean {
  const others = all.filter((each) => each.metadata?.name !== given.metadata?.name);
  const cidrs = given.spec?.cidrs ?? [];
  if (cidrs.every((cidr) => containers(others, cidr).length > 0)) return true;
  return addresses.every(({ metadata }) => {
    const address = metadata?.name ?? "";
    if (metadata?.labels?.["ipaddress.kubernetes.io/managed-by"] !== "ipallocator.k8s.io") return true;
    return !cidrs.some((cidr) => contains(cidr, address)) || containers(others, address).length > 0;
  });
}

/** The next action. `now` in milliseconds. */
export function nextStep(
  given: ServiceCIDR,
  all: readonly ServiceCIDR[],
  addresses: readonly IPAddress[],
  now: number,
): Step {
  const ready = given.status?.conditions?.find(({ type }) => type === "Ready");
  const held = given.metadata?.finalizers?.includes(finalizer) ?? false;
  const deleted = given.metadata?.deletionTimestamp as string | undefined;
  if (deleted === undefined) {
    if (!held) return { kind: "hold" };
    return ready?.status === "True" ? { kind: "nothing" } : { kind: "ready" };
  }
  if (!held) return { kind: "nothing" };
  if (!mayGo(given, all, addresses))
    return ready?.status === "False" && ready.reason === "Terminating"
      ? { kind: "nothing" }
      : { kind: "terminating" };
  const left = Date.parse(deleted) + deletionGraceMs - now;
  return left > 0 ? { kind: "wait", ms: left } : { kind: "release" };
}
