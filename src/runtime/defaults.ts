import { type CgroupLayout, cgroupLayout } from "../linux/index.ts";
import { adjustCapabilities, allCapabilities, defaultCapabilities } from "./capabilities.ts";
import type { PlanContext } from "./plan.ts";
import type { SpecDevice, SpecMount, SpecProcess, SpecResources } from "./spec.ts";

/** The machine's architecture; read once. */
export function planContext(layout: CgroupLayout = cgroupLayout()): PlanContext {
  return { layout, architecture: process.arch === "arm64" ? "arm64" : "x64" };
}

/** The file systems required by the OCI specification, and further ones that programs expect. */
export function defaultMounts(
  options: { privileged?: boolean; hostNetwork?: boolean; hostIpc?: boolean } = {},
): SpecMount[] {
  const access = options.privileged ? "rw" : "ro";
  const mounts: SpecMount[] = [
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "noexec", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", access] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["nosuid", "noexec", "nodev", access],
    },
  ];
  return mounts;
}

/** The OCI specification's default devices. */
export const defaultDevices: readonly SpecDevice[] = (
  [
    ["null", 1, 3],
    ["zero", 1, 5],
    ["full", 1, 7],
    ["random", 1, 8],
    ["urandom", 1, 9],
    ["tty", 5, 0],
  ] as const
).map(([name, major, minor]) => ({
  path: `/dev/${name}`,
  type: "c",
  major,
  minor,
  fileMode: 0o666,
  uid: 0,
  gid: 0,
}));

/** Device access rules: only mknod, the default devices, terminals and the container's own devices. */
export function deviceRules(
  extra: readonly (SpecDevice & { access: string })[] = [],
): NonNullable<SpecResources["devices"]> {
  const character = (major: number, minor?: number) =>
    ({ allow: true, type: "c", major, ...(minor !== undefined && { minor }), access: "rwm" }) as const;
  return [
    { allow: false },
    { allow: true, type: "c", access: "m" },
    { allow: true, type: "b", access: "m" },
    ...defaultDevices.map((d) => character(d.major, d.minor)),
    character(5, 1),
    character(5, 2),
    character(136),
    ...extra.map((d) => ({ allow: true, type: d.type, major: d.major, minor: d.minor, access: d.access })),
  ];
}

export const defaultMaskedPaths: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

export const defaultReadonlyPaths: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A process' five capability sets. Root gets them by exec; other users only ambient ones (capabilities(7)). */
export function capabilitySets(
  uid: number,
  change: {
    add?: readonly string[];
    drop?: readonly string[];
    ambient?: readonly string[];
    all?: boolean;
  } = {},
): NonNullable<SpecProcess["capabilities"]> {
  const base = change.all ? allCapabilities : defaultCapabilities;
  const bounding = adjustCapabilities(base, change.add ?? [], change.drop ?? []);
  const ambient = (change.ambient ?? []).filter((name) => bounding.includes(name));
  const effective = uid === 0 ? bounding : ambient;
  return { bounding, effective, permitted: effective, inheritable: ambient, ambient };
}
