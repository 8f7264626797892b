/**
 * The interface between kubelet and container runtime: the messages of CRI v1 (runtime.v1.RuntimeService and ImageService) in
 * camelCase. Implementations may run in the same process or behind gRPC; times are nanoseconds since the epoch as bigint, sizes
 * are bytes. Errors are `CriError` with a gRPC code name.
 */
export interface RuntimeService {
  version(): Promise<{ runtimeName: string; runtimeVersion: string; runtimeApiVersion: string }>;
  status(): Promise<{ runtimeReady: Condition; networkReady: Condition }>;
  /** Creates and starts a sandbox: namespaces, network, cgroup parent. The runtime chooses its id. */
  runPodSandbox(config: PodSandboxConfig, runtimeHandler?: string): Promise<string>;
  /** Kills its containers and releases the network. Idempotent, also for an unknown id. */
  stopPodSandbox(id: string): Promise<void>;
  removePodSandbox(id: string): Promise<void>;
  /** New values for the pod's own cgroup; missing ones stay. */
  updatePodSandboxResources(id: string, resources: LinuxContainerResources): Promise<void>;
  /** NotFound when unknown. */
  podSandboxStatus(id: string): Promise<PodSandboxStatus>;
  listPodSandbox(filter?: {
    id?: string;
    state?: SandboxState;
    labels?: Record<string, string>;
  }): Promise<PodSandbox[]>;
  createContainer(
    sandboxId: string,
    config: ContainerConfig,
    sandboxConfig: PodSandboxConfig,
  ): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** SIGTERM (or the image's stop signal), then SIGKILL after the timeout. Idempotent. Resolves when it has ended. */
  stopContainer(id: string, timeoutSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  containerStatus(id: string): Promise<ContainerStatus>;
  listContainers(filter?: {
    id?: string;
    sandboxId?: string;
    state?: ContainerState;
    labels?: Record<string, string>;
  }): Promise<ContainerSummary[]>;
  updateContainerResources(id: string, resources: LinuxContainerResources): Promise<void>;
  reopenContainerLog(id: string): Promise<void>;
  /** Output is capped at 16 MiB a stream. Rejects with DeadlineExceeded after `timeoutSeconds` (0: none), the process is killed then. */
  execSync(
    id: string,
    command: string[],
    timeoutSeconds: number,
  ): Promise<{ stdout: Uint8Array; stderr: Uint8Array; exitCode: number }>;
  /** A process in the container with streams for the caller. (Over gRPC this is the streaming server's URL.) */
  exec(id: string, options: { command: string[]; tty: boolean; stdin: boolean }): Promise<StreamSession>;
  /** The container's own stdio. */
  attach(id: string, options: { tty: boolean; stdin: boolean }): Promise<StreamSession>;
  /** A connection to a port on the sandbox's loopback. */
  portForward(sandboxId: string, port: number): Promise<import("node:stream").Duplex>;
  containerStats(id: string): Promise<ContainerStats>;
  listContainerStats(filter?: { sandboxId?: string }): Promise<ContainerStats[]>;
  /** Created, started, stopped and removed events; the kubelet also lists periodically. */
  events(signal: AbortSignal): AsyncIterable<ContainerEvent>;
  updateRuntimeConfig(config: { podCidr: string }): Promise<void>;
}

export interface ImageService {
  listImages(filter?: { image?: string }): Promise<Image[]>;
  /** Undefined when it is missing. `image` is a reference or an id. */
  imageStatus(image: string): Promise<Image | undefined>;
  /** Ensures that the image is present. NotFound with a helpful message when the image is unavailable. */
  pullImage(image: string, auth?: { username?: string; password?: string }): Promise<string>;
  removeImage(image: string): Promise<void>;
  imageFsInfo(): Promise<{ mountpoint: string; usedBytes: number; inodesUsed: number }>;
}

export type CriCode =
  | "NotFound"
  | "AlreadyExists"
  | "InvalidArgument"
  | "FailedPrecondition"
  | "DeadlineExceeded"
  | "Unavailable"
  | "Unimplemented"
  | "ResourceExhausted"
  | "Internal"
  | "Unknown";

export class CriError extends Error {
  override readonly name = "CriError";
  readonly code: CriCode;
  constructor(code: CriCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

export interface Condition {
  status: boolean;
  reason: string;
  message: string;
}

export type SandboxState = "Ready" | "NotReady";
export type ContainerState = "Created" | "Running" | "Exited" | "Unknown";
/** POD is shared in the sandbox, CONTAINER is separate, NODE is the host's, TARGET is another container's. */
export type NamespaceMode = "POD" | "CONTAINER" | "NODE" | "TARGET";

export interface NamespaceOptions {
  network: NamespaceMode;
  pid: NamespaceMode;
  ipc: NamespaceMode;
  targetId?: string;
  usernsOptions?: { mode: "POD" | "NODE"; uids: IdMapping[]; gids: IdMapping[] };
}

export interface IdMapping {
  hostId: number;
  containerId: number;
  length: number;
}

export interface PodSandboxConfig {
  metadata: { name: string; uid: string; namespace: string; attempt: number };
  hostname: string;
  /** Container logs are below it: `<container>/<attempt>.log`. */
  logDirectory: string;
  dnsConfig: { servers: string[]; searches: string[]; options: string[] };
  portMappings: PortMapping[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  linux: {
    /** Relative to the cgroup root of the cluster; "" for the runtime's default. */
    cgroupParent: string;
    sysctls: Record<string, string>;
    securityContext: {
      namespaceOptions: NamespaceOptions;
      runAsUser?: number;
      runAsGroup?: number;
      supplementalGroups: number[];
      privileged: boolean;
      seccomp: SecurityProfile;
      readonlyRootfs: boolean;
    };
    /** For the pod's own cgroup. */
    resources?: LinuxContainerResources;
  };
}

export interface PortMapping {
  protocol: "TCP" | "UDP" | "SCTP";
  containerPort: number;
  hostPort: number;
  hostIp: string;
}

export interface SecurityProfile {
  type: "RuntimeDefault" | "Unconfined" | "Localhost";
  localhostRef?: string;
}

export interface PodSandbox {
  id: string;
  metadata: PodSandboxConfig["metadata"];
  state: SandboxState;
  createdAt: bigint;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  runtimeHandler: string;
}

export interface PodSandboxStatus extends PodSandbox {
  /** The first is the primary. Empty with the host's network. */
  ips: string[];
  namespaceOptions: NamespaceOptions;
}

export interface ContainerConfig {
  metadata: { name: string; attempt: number };
  /** Id or reference; must be present. `userSpecifiedImage` is the pod's reference. */
  image: { image: string; userSpecifiedImage: string };
  /** Empty: the image's entrypoint. */
  command: string[];
  /** Empty, like command: the image's cmd. */
  args: string[];
  workingDir: string;
  /** Override the image's variables. */
  envs: { key: string; value: string }[];
  mounts: Mount[];
  devices: { containerPath: string; hostPath: string; permissions: string }[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Below the sandbox's log directory. */
  logPath: string;
  stdin: boolean;
  stdinOnce: boolean;
  tty: boolean;
  linux: {
    resources: LinuxContainerResources;
    securityContext: LinuxContainerSecurityContext;
  };
  stopSignal?: string;
}

export interface Mount {
  containerPath: string;
  /** A file or directory; created as a directory when missing. */
  hostPath: string;
  readonly: boolean;
  /** Recursively read-only. */
  recursiveReadOnly?: boolean;
  propagation: "PRIVATE" | "HOST_TO_CONTAINER" | "BIDIRECTIONAL";
  /** An image to mount instead of hostPath (image volumes). */
  image?: { image: string };
  imageSubPath?: string;
}

export interface LinuxContainerResources {
  cpuPeriod?: number;
  /** Microseconds of processor time per period; -1 or 0 no limit. */
  cpuQuota?: number;
  cpuShares?: number;
  memoryLimitInBytes?: number;
  oomScoreAdj?: number;
  cpusetCpus?: string;
  cpusetMems?: string;
  pidsLimit?: number;
  hugepageLimits?: { pageSize: string; limit: number }[];
  /** cgroup v2 files and their values. */
  unified?: Record<string, string>;
  memorySwapLimitInBytes?: number;
}

export interface LinuxContainerSecurityContext {
  capabilities: { add: string[]; drop: string[]; addAmbient?: string[] };
  privileged: boolean;
  namespaceOptions: NamespaceOptions;
  runAsUser?: number;
  /** A name from the image's /etc/passwd. */
  runAsUsername?: string;
  runAsGroup?: number;
  readonlyRootfs: boolean;
  supplementalGroups: number[];
  supplementalGroupsPolicy?: "Merge" | "Strict";
  noNewPrivs: boolean;
  maskedPaths: string[];
  readonlyPaths: string[];
  seccomp: SecurityProfile;
  apparmor?: SecurityProfile;
}

export interface ContainerSummary {
  id: string;
  sandboxId: string;
  metadata: ContainerConfig["metadata"];
  image: string;
  imageRef: string;
  state: ContainerState;
  createdAt: bigint;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface ContainerStatus extends ContainerSummary {
  startedAt: bigint;
  finishedAt: bigint;
  exitCode: number;
  /** Completed, Error, OOMKilled, ContainerCannotRun, StartError. */
  reason: string;
  message: string;
  mounts: Mount[];
  /** Absolute; empty when there is no log (simulated containers). */
  logPath: string;
  resources?: LinuxContainerResources;
  user?: { uid: number; gid: number; supplementalGroups: number[] };
  stopSignal?: string;
  pid?: number;
}

export interface ContainerEvent {
  type: "Created" | "Started" | "Stopped" | "Deleted";
  containerId: string;
  sandboxId: string;
  /** The sandbox's labels, so that the kubelet finds its pod. */
  labels: Record<string, string>;
  at: bigint;
}

export interface StreamSession {
  /** Undefined when it was not requested. */
  stdin: import("node:stream").Writable | undefined;
  stdout: import("node:stream").Readable;
  /** Undefined with a tty. */
  stderr: import("node:stream").Readable | undefined;
  resize(columns: number, rows: number): void;
  /** Exit code of an exec; for attach, of the container (or 0 when the session ended first). */
  readonly exited: Promise<number>;
  /** Ends the session; an exec's process is killed. */
  close(): void;
}

export interface Image {
  /** `sha256:...` of the configuration. */
  id: string;
  repoTags: string[];
  repoDigests: string[];
  size: number;
  /** Numeric user of the image, when numeric; else the name. */
  uid?: number;
  username?: string;
  pinned: boolean;
}

export interface ContainerStats {
  id: string;
  sandboxId: string;
  labels: Record<string, string>;
  timestamp: bigint;
  cpu: { usageCoreNanoSeconds: number };
  memory: { workingSetBytes: number; usageBytes: number; rssBytes: number; availableBytes?: number };
  writableLayer: { usedBytes: number; inodesUsed: number };
}
