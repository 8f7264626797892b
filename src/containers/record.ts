import { join } from "node:path";
import type { ContainerConfig, LinuxContainerResources, PodSandboxConfig } from "../cri/index.ts";

/** A sandbox's record on disk. Times are nanoseconds since the epoch. */
export interface SandboxRecord {
  id: string;
  config: PodSandboxConfig;
  runtimeHandler: string;
  createdAt: bigint;
  ready: boolean;
  /** Addresses inside the pod, without prefix length. */
  ips: string[];
  /** Its pinned namespaces. */
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
  /** Being removed; continued after a restart of wherry. */
  removing?: boolean;
}

export interface ContainerExit {
  exitCode: number;
  finishedAt: bigint;
  reason: string;
  message: string;
}

/** Paths of a cluster's runtime. */
export interface Places {
  stateDir: string;
  runDir: string;
  /** With a leading slash. */
  cgroupRoot: string;
}

export const sandboxDirectory = (places: Places, id: string): string =>
  join(places.stateDir, "sandboxes", id);
export const containerDirectory = (places: Places, id: string): string =>
  join(places.stateDir, "containers", id);
/** Short: a socket's path has at most 107 bytes. */
export const monitorSocket = (places: Places, id: string): string =>
  join(places.runDir, "m", `${id.slice(0, 24)}.sock`);
/** Below the layers of every image; see makeBaseLayer. */
export const baseLayer = (places: Places): string => join(places.stateDir, "base");
/** An empty directory, the mount point of each container's root in its own mount namespace. */
export const rootDirectory = (places: Places): string => join(places.runDir, "root");
/** For pinned namespaces and the pod's shared memory. */
export const sandboxRunDirectory = (places: Places, id: string): string =>
  join(places.runDir, "s", id.slice(0, 24));
export const namespacePin = (places: Places, id: string, type: string): string =>
  join(sandboxRunDirectory(places, id), type);
/** A pod's default cgroup is named after the sandbox. */
export const podCgroup = (places: Places, sandbox: SandboxRecord): string =>
  join(places.cgroupRoot, sandbox.config.linux.cgroupParent || `pods/${sandbox.id}`);
