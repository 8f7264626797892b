/**
 * A container's specification: the parts of the OCI runtime specification's `config.json` that wherry implements, with its
 * names. Pure data; `plan.ts` turns it into steps for the native helper.
 */
export interface Spec {
  process: SpecProcess;
  root: SpecRoot;
  hostname?: string;
  mounts: SpecMount[];
  linux: SpecLinux;
}

export interface SpecProcess {
  terminal: boolean;
  /** Keeps standard input open for an attached client; otherwise it is /dev/null. */
  stdin?: boolean;
  consoleSize?: { height: number; width: number };
  user: { uid: number; gid: number; additionalGids: number[]; umask?: number };
  args: string[];
  /** `NAME=value`. */
  env: string[];
  cwd: string;
  capabilities?: {
    bounding: string[];
    effective: string[];
    permitted: string[];
    inheritable: string[];
    ambient: string[];
  };
  rlimits?: { type: string; soft: number; hard: number }[];
  noNewPrivileges: boolean;
  oomScoreAdj?: number;
}

/** Either a directory, or an overlay in the container's own mount namespace. */
export interface SpecRoot {
  /** Directory of the root; with `overlay` an empty mount point. */
  path: string;
  readonly: boolean;
  overlay?: { lower: readonly string[]; upper: string; work: string; volatile?: boolean };
}

export interface SpecMount {
  destination: string;
  /** `bind`, or a file system type. */
  type: string;
  source?: string;
  /** As in mount(8) and the OCI specification; options that are no mount flags are passed to the file system. */
  options: string[];
  /** For a bind mount: a path below `source`, resolved without following links out of it. */
  subPath?: string;
}

export type SpecNamespaceType = "pid" | "network" | "mount" | "ipc" | "uts" | "user" | "cgroup";

export interface SpecLinux {
  /** New unless there is a path; missing types are shared with the host. */
  namespaces: { type: SpecNamespaceType; path?: string }[];
  uidMappings?: { containerID: number; hostID: number; size: number }[];
  gidMappings?: { containerID: number; hostID: number; size: number }[];
  devices: SpecDevice[];
  /** Below each controller's root, with a leading slash. "" keeps the process in wherry's own cgroup. */
  cgroupsPath: string;
  resources: SpecResources;
  sysctl?: Record<string, string>;
  seccomp?: SpecSeccomp;
  maskedPaths: string[];
  readonlyPaths: string[];
  rootfsPropagation?: "private" | "slave" | "shared";
}

export interface SpecDevice {
  path: string;
  type: "c" | "b";
  major: number;
  minor: number;
  fileMode: number;
  uid: number;
  gid: number;
}

export interface SpecResources {
  /** The last matching rule decides; without a match access is denied. `access` of `rwm`. */
  devices?: { allow: boolean; type?: "a" | "c" | "b"; major?: number; minor?: number; access?: string }[];
  /** Bytes; `swap` counts memory and swap together; -1 no limit. */
  memory?: { limit?: number; swap?: number; reservation?: number };
  /** `quota` and `period` in microseconds. */
  cpu?: { shares?: number; quota?: number; period?: number; cpus?: string; mems?: string };
  pids?: { limit: number };
  hugepageLimits?: { pageSize: string; limit: number }[];
  unified?: Record<string, string>;
}

export interface SpecSeccomp {
  defaultAction: SeccompAction;
  defaultErrnoRet?: number;
  architectures?: string[];
  flags?: string[];
  syscalls: SeccompRule[];
}

export type SeccompAction =
  | "SCMP_ACT_ALLOW"
  | "SCMP_ACT_ERRNO"
  | "SCMP_ACT_KILL"
  | "SCMP_ACT_KILL_PROCESS"
  | "SCMP_ACT_KILL_THREAD"
  | "SCMP_ACT_TRAP"
  | "SCMP_ACT_TRACE"
  | "SCMP_ACT_LOG";

export interface SeccompRule {
  names: string[];
  action: SeccompAction;
  errnoRet?: number;
  args?: {
    index: number;
    value: number;
    valueTwo?: number;
    op:
      | "SCMP_CMP_NE"
      | "SCMP_CMP_LT"
      | "SCMP_CMP_LE"
      | "SCMP_CMP_EQ"
      | "SCMP_CMP_GE"
      | "SCMP_CMP_GT"
      | "SCMP_CMP_MASKED_EQ";
  }[];
}
