import { join } from "node:path";
import type { ContainerConfig, LinuxContainerResources, PodSandboxConfig } from "../cri/index.ts";

/** A sandbox as it is kept on disk. Times are nanoseconds since the epoch. */
export interface SandboxRecord {
  id: string;
  config: PodSandboxConfig;
  runtimeHandler: string;
  createdAt: bigint;
  ready: boolean;
  /** Addresses inside the pod, without prefix length. */
  ips: string[];
  /** Namespaces that are pinned for it. */
  pinned: ("user" | "net" | "ipc" | "uts" | "pid")[];
}

export interface ContainerRecord {
  id: string;
  sandboxId: string;
  config: ContainerConfig;
  /** `sha256:...` of the image's configuration. */
  imageId: string;
  createdAt: bigint;
  cgroupsPath: string;
  user: { uid: number; gid: number; supplementalGroups: number[] };
  stopSignal: string;
  resources: LinuxContainerResources;
  started?: { pid: number; startedAt: bigint };
  exit?: ContainerExit;
  /** Being taken apart; a restart of wherry goes on with it. */
  removing?: boolean;
}

export interface ContainerExit {
  exitCode: number;
  finishedAt: bigint;
  reason: string;
  message: string;
}

/** Where things of a cluster's runtime are. */
export interface Places {
  stateDir: string;
  runDir: string;
  /** Begins with a slash. */
  cgroupRoot: string;
}

export const sandboxDirectory = (places: Places, id: string): string =>
  join(places.stateDir, "sandboxes", id);
export const containerDirectory = (places: Places, id: string): string =>
  join(places.stateDir, "containers", id);
/** Short: the path of a socket has at most 107 bytes. */
export const monitorSocket = (places: Places, id: string): string =>
  join(places.runDir, "m", `${id.slice(0, 24)}.sock`);
/** Below the layers of every image; see makeBaseLayer. */
export const baseLayer = (places: Places): string => join(places.stateDir, "base");
/** An empty directory that each container mounts its root on, in its own mount namespace. */
export const rootDirectory = (places: Places): string => join(places.runDir, "root");
/** Holds the namespace pins and the pod's shared memory. */
export const sandboxRunDirectory = (places: Places, id: string): string =>
  join(places.runDir, "s", id.slice(0, 24));
export const namespacePin = (places: Places, id: string, type: string): string =>
  join(sandboxRunDirectory(places, id), type);
/** Without one of its own, a pod's cgroup is named after the sandbox. */
export const podCgroup = (places: Places, sandbox: SandboxRecord): string =>
  join(places.cgroupRoot, sandbox.config.linux.cgroupParent || `pods/${sandbox.id}`);
