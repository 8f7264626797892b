/** By number, capabilities(7). */
const capabilityNames = [
  "CHOWN",
  "DAC_OVERRIDE",
  "DAC_READ_SEARCH",
  "FOWNER",
  "FSETID",
  "KILL",
  "SETGID",
  "SETUID",
  "SETPCAP",
  "LINUX_IMMUTABLE",
  "NET_BIND_SERVICE",
  "NET_BROADCAST",
  "NET_ADMIN",
  "NET_RAW",
  "IPC_LOCK",
  "IPC_OWNER",
  "SYS_MODULE",
  "SYS_RAWIO",
  "SYS_CHROOT",
  "SYS_PTRACE",
  "SYS_PACCT",
  "SYS_ADMIN",
  "SYS_BOOT",
  "SYS_NICE",
  "SYS_RESOURCE",
  "SYS_TIME",
  "SYS_TTY_CONFIG",
  "MKNOD",
  "LEASE",
  "AUDIT_WRITE",
  "AUDIT_CONTROL",
  "SETFCAP",
  "MAC_OVERRIDE",
  "MAC_ADMIN",
  "SYSLOG",
  "WAKE_ALARM",
  "BLOCK_SUSPEND",
  "AUDIT_READ",
  "PERFMON",
  "BPF",
  "CHECKPOINT_RESTORE",
] as const; // prettier-ignore

/** Default capabilities of container engines. */
export const defaultCapabilities: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

export const allCapabilities: readonly string[] = capabilityNames.map((name) => `CAP_${name}`);

/** Accepts `NET_ADMIN`, `cap_net_admin` and `CAP_NET_ADMIN`. */
function normalCapability(name: string): string {
  const upper = name.toUpperCase();
  return upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
}

/** Bit mask of the capabilities; RangeError for an unknown name. */
export function capabilityMask(names: readonly string[]): bigint {
  let mask = 0n;
  for (const name of names) {
    const number = allCapabilities.indexOf(normalCapability(name));
    if (number < 0) throw new RangeError(`there is no capability ${name}`);
    mask |= 1n << BigInt(number);
  }
  return mask;
}

/** Defaults with `add` and `drop` applied; ALL in either means all. Capabilities dropped by name stay dropped with add ALL. */
export function adjustCapabilities(
  base: readonly string[],
  add: readonly string[],
  drop: readonly string[],
): string[] {
  const adds = add.map(normalCapability);
  const drops = drop.map(normalCapability);
  let result = new Set(adds.includes("CAP_ALL") ? allCapabilities : base);
  if (drops.includes("CAP_ALL")) result = new Set();
  for (const name of adds) if (name !== "CAP_ALL") result.add(name);
  for (const name of drops) result.delete(name);
  return [...result];
}
