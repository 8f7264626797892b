/** The Pod Security Standards: the controls of each level, by version. */
import { type Control, hasOwnUsers, isWindows, type Subject, unless, type Violation } from "./check.ts";
import {
  hostNamespaces,
  hostPaths,
  hostPorts,
  hostProbes,
  hostProcess,
  privileged,
  procMount,
} from "./host.ts";
import type { LevelVersion } from "./policy.ts";
import {
  noCapabilities,
  noEscalation,
  restrictedVolumes,
  runAsNonRoot,
  runAsUser,
  usualCapabilitiesOnly,
} from "./privileges.ts";
import { appArmor, seccomp, seccompAnnotations, seccompRequired, seLinux, sysctls } from "./profiles.ts";

const sysctls0 = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
];
const sysctls27 = [...sysctls0, "net.ipv4.ip_local_reserved_ports"];
const sysctls29 = [
  ...sysctls27,
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
];
const sysctls32 = [...sysctls29, "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"];
const seLinux0 = ["", "container_t", "container_init_t", "container_kvm_t"];
const seLinux31 = [...seLinux0, "container_engine_t"];

/** In the order of their messages: by id, bytewise. */
const baseline: readonly Control[] = [
  { id: "appArmorProfile", versions: [{ since: 0, check: appArmor }] },
  { id: "capabilities_baseline", versions: [{ since: 0, check: usualCapabilitiesOnly }] },
  { id: "hostNamespaces", versions: [{ since: 0, check: hostNamespaces }] },
  { id: "hostPathVolumes", versions: [{ since: 0, check: hostPaths }] },
  { id: "hostPorts", versions: [{ since: 0, check: hostPorts }] },
  { id: "hostProbesAndHostLifecycle", versions: [{ since: 34, check: hostProbes }] },
  { id: "privileged", versions: [{ since: 0, check: privileged }] },
  {
    id: "procMount",
    versions: [
      { since: 0, check: procMount },
      { since: 35, check: unless(hasOwnUsers, procMount) },
    ],
  },
  {
    id: "seLinuxOptions",
    versions: [
      { since: 0, check: seLinux(seLinux0) },
      { since: 31, check: seLinux(seLinux31) },
    ],
  },
  {
    id: "seccompProfile_baseline",
    versions: [
      { since: 0, check: seccompAnnotations },
      { since: 19, check: seccomp },
    ],
  },
  {
    id: "sysctls",
    versions: [
      { since: 0, check: sysctls(sysctls0) },
      { since: 27, check: sysctls(sysctls27) },
      { since: 29, check: sysctls(sysctls29) },
      { since: 32, check: sysctls(sysctls32) },
    ],
  },
  { id: "windowsHostProcess", versions: [{ since: 0, check: hostProcess }] },
];

const restricted: readonly Control[] = [
  {
    id: "allowPrivilegeEscalation",
    versions: [
      { since: 8, check: noEscalation },
      { since: 25, check: unless(isWindows, noEscalation) },
    ],
  },
  {
    id: "capabilities_restricted",
    replaces: "capabilities_baseline",
    versions: [
      { since: 22, check: noCapabilities },
      { since: 25, check: unless(isWindows, noCapabilities) },
    ],
  },
  { id: "procMount_restricted", replaces: "procMount", versions: [{ since: 35, check: procMount }] },
  {
    id: "restrictedVolumes",
    replaces: "hostPathVolumes",
    versions: [{ since: 0, check: restrictedVolumes }],
  },
  {
    id: "runAsNonRoot",
    versions: [
      { since: 0, check: runAsNonRoot },
      { since: 35, check: unless(hasOwnUsers, runAsNonRoot) },
    ],
  },
  {
    id: "runAsUser",
    versions: [
      { since: 23, check: runAsUser },
      { since: 35, check: unless(hasOwnUsers, runAsUser) },
    ],
  },
  {
    id: "seccompProfile_restricted",
    replaces: "seccompProfile_baseline",
    versions: [
      { since: 19, check: seccompRequired },
      { since: 25, check: unless(isWindows, seccompRequired) },
    ],
  },
];

/** All violations of the level, in the order of its messages. */
export function violations({ level, minor }: LevelVersion, subject: Subject): Violation[] {
  if (level === "privileged") return [];
  const begun = (control: Control) => control.versions.findLast((each) => each.since <= minor);
  const stricter = level === "restricted" ? restricted.filter(begun) : [];
  const replaced = new Set(stricter.map((each) => each.replaces));
  return [...baseline.filter((each) => !replaced.has(each.id)), ...stricter].flatMap(
    (control) => begun(control)?.check(subject) ?? [],
  );
}

export const showDetails = (found: readonly Violation[]): string =>
  found.map(({ reason, detail }) => (detail === "" ? reason : `${reason} (${detail})`)).join(", ");

export const showReasons = (found: readonly Violation[]): string =>
  found.map((each) => each.reason).join(", ");
