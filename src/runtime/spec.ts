/**
 * What a container shall be: the parts of the OCI runtime specification's `config.json` that wherry implements, in its
 * words. Pure data; `plan.ts` turns it into steps for the native helper.
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
  /** Keeps standard input open for an attached client; without it /dev/null is read. */
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

/** Either a directory, or an overlay that exists in the container's own mount namespace alone. */
export interface SpecRoot {
  /** Directory of the root; with `overlay` an empty one to mount on. */
  path: string;
  readonly: boolean;
  overlay?: { lower: readonly string[]; upper: string; work: string; volatile?: boolean };
}

export interface SpecMount {
  destination: string;
  /** `bind`, or the name of a file system. */
  type: string;
  source?: string;
  /** As mount(8) and the OCI specification name them; what is no mount flag goes to the file system. */
  options: string[];
  /** Of a bind mount: a path below `source`, resolved inside it without following any link out of it. */
  subPath?: string;
}

export type SpecNamespaceType = "pid" | "network" | "mount" | "ipc" | "uts" | "user" | "cgroup";

export interface SpecLinux {
  /** Without a path a new one; a type that is missing is the host's. */
  namespaces: { type: SpecNamespaceType; path?: string }[];
  uidMappings?: { containerID: number; hostID: number; size: number }[];
  gidMappings?: { containerID: number; hostID: number; size: number }[];
  devices: SpecDevice[];
  /** Below each controller's root, beginning with a slash. "" leaves the process in wherry's own cgroup. */
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
  /** In order, the last that matches counts; what none matches is refused. `access` of `rwm`. */
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
