/**
 * Kernel operations: network links, namespaces, mounts and nftables. Implemented by a persistent native process that uses
 * netlink (`openNative`); `recordingNative` replaces it in tests. Every call either succeeds completely or rejects with
 * `NativeError`; deletions succeed when there is nothing to delete.
 */
export interface Native {
  /**
   * Creates namespaces and pins each as the file `<directory>/<type>`; creates the directory if needed. In a new net `lo` is
   * up.
   */
  createNamespaces(
    directory: string,
    types: readonly NamespaceType[],
    options?: NamespaceOptions,
  ): Promise<void>;
  /** A network namespace pinned at this path, with `lo` up. */
  createNetns(path: string): Promise<void>;
  /** Unpins a namespace file (any type) and removes it. True when it existed. */
  deleteNamespace(path: string): Promise<boolean>;

  /** Creates the bridge, or updates an existing one; it is up afterwards. */
  ensureBridge(bridge: BridgeSpec): Promise<void>;
  /** A veth pair with its host end on the bridge and its peer in `netns` with addresses and routes; both up. */
  addVeth(veth: VethSpec): Promise<{ hostMac: string; mac: string }>;
  /** True when it existed. Deleting one end of a pair deletes the other. */
  deleteLink(name: string, netns?: string): Promise<boolean>;
  setLink(name: string, change: LinkChange, netns?: string): Promise<void>;
  links(netns?: string): Promise<LinkInfo[]>;
  /** An address with prefix length, e.g. `10.0.0.1/24` or `fd00::1/64`. It may already exist. */
  addAddress(link: string, address: string, netns?: string): Promise<void>;
  deleteAddress(link: string, address: string, netns?: string): Promise<boolean>;
  /** It may already exist. `dst` is a prefix, or `0.0.0.0/0` and `::/0` for the default route. */
  addRoute(route: RouteSpec, netns?: string): Promise<void>;
  deleteRoute(route: RouteSpec, netns?: string): Promise<boolean>;
  /** The main table. */
  routes(netns?: string): Promise<RouteSpec[]>;

  /** `net.ipv4.ip_forward` or `net/ipv4/conf/eth0.1/arp_notify`. Namespace files select the namespace. */
  setSysctl(key: string, value: string, namespaces?: readonly string[]): Promise<void>;
  sysctl(key: string, namespaces?: readonly string[]): Promise<string>;

  mount(mount: MountSpec): Promise<void>;
  /** Lazily with `detach`. False when nothing is mounted. */
  umount(target: string, options?: { detach?: boolean }): Promise<boolean>;
  /** Source and target must exist. */
  bindMount(
    source: string,
    target: string,
    options?: { readonly?: boolean; recursive?: boolean; private?: boolean },
  ): Promise<void>;
  overlayMount(overlay: OverlaySpec): Promise<void>;

  /**
   * Reads a regular file as in a container with these layers (lowest first), without following links out of a layer. Undefined
   * when there is none. EFBIG above `maxBytes`.
   */
  readLayers(layers: readonly string[], path: string, maxBytes: number): Promise<Buffer | undefined>;

  /**
   * Changes of kernel files (cgroups), in order and in one call. Existing or missing directories are no errors; the first other
   * failure ends it.
   */
  changeFiles(changes: readonly FileChange[]): Promise<void>;

  /**
   * Starts in advance, without waiting, what the first move of a process between cgroups waits for. `procs` is any
   * cgroup.procs.
   */
  warmCgroups(procs: string): Promise<void>;

  /** Runs an nftables script as one transaction (`nft -f -`). */
  applyNft(script: string): Promise<void>;
  /** `nft -j list ...`, parsed; undefined when the object does not exist. */
  listNft(...what: string[]): Promise<unknown>;

  /** Unix socket whose connections become container monitors (see native/README.md). */
  readonly launchSocket: string;
  /** Ends the process; pending calls reject. Containers keep running. */
  close(): Promise<void>;
}

export type NamespaceType = "net" | "ipc" | "uts" | "cgroup" | "user";

export type FileChange =
  | { mkdir: string }
  | { rmdir: string }
  | { path: string; value: string; tolerate?: boolean };

export interface NamespaceOptions {
  /** For a new uts. */
  hostname?: string;
  domainname?: string;
  /** For a new user namespace, which owns the others. */
  uids?: readonly IdRange[];
  gids?: readonly IdRange[];
}

export interface IdRange {
  hostId: number;
  containerId: number;
  length: number;
}

export interface BridgeSpec {
  name: string;
  mtu?: number;
  mac?: string;
  addresses?: readonly string[];
}

export interface VethSpec {
  /** At most 15 bytes. */
  hostName: string;
  bridge?: string;
  /** Frames may leave by the bridge port they came from: for a pod that connects to itself through a Service. */
  hairpin?: boolean;
  mtu?: number;
  netns: string;
  /** Name inside the namespace, e.g. eth0. */
  name: string;
  mac?: string;
  addresses: readonly string[];
  routes: readonly { dst: string; gw?: string }[];
}

export interface LinkChange {
  up?: boolean;
  mtu?: number;
  /** "" removes it from its bridge. */
  master?: string;
  hairpin?: boolean;
}

export interface LinkInfo {
  index: number;
  name: string;
  /** bridge, veth, dummy, ...; "" for physical devices and lo. */
  kind: string;
  mac: string;
  mtu: number;
  up: boolean;
  /** Index of its bridge. */
  master?: number;
  addresses: string[];
}

export interface RouteSpec {
  dst: string;
  gw?: string;
  /** Name of the link. */
  link?: string;
}

export type MountFlag =
  | "ro"
  | "nosuid"
  | "nodev"
  | "noexec"
  | "relatime"
  | "noatime"
  | "strictatime"
  | "bind"
  | "rec"
  | "remount"
  | "private"
  | "slave"
  | "shared";

export interface MountSpec {
  source: string;
  target: string;
  type?: string;
  flags?: readonly MountFlag[];
  /** Options of the file system itself, e.g. `size=64k,mode=755`. */
  data?: string;
}

export interface OverlaySpec {
  /** Lowest first. */
  lower: readonly string[];
  /** Without it the mount is read-only. */
  upper?: string;
  work?: string;
  target: string;
  /** No flush on umount: for a writable layer that need not survive a crash of the machine. */
  volatile?: boolean;
}

/** A kernel error. `step` is the call in `native/` (or `nft`), `code` the errno's name. */
export class NativeError extends Error {
  override readonly name = "NativeError";
  readonly op: string;
  readonly step: string;
  readonly code: string;
  readonly errno: number;
  constructor(op: string, step: string, errno: number, code: string, detail: string) {
    super(`${op}: ${step}${detail ? ` ${detail}` : ""}: ${code}`);
    this.op = op;
    this.step = step;
    this.errno = errno;
    this.code = code;
  }
}
