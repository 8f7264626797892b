/**
 * The one door to the kernel for whoever needs network links, namespaces, mounts or nftables. The real one is a
 * persistent native process that speaks netlink itself (`openNative`); `recordingNative` stands in for it in tests.
 * Every call either did all it says or rejects with `NativeError`; "delete" calls succeed when there is nothing.
 */
export interface Native {
  /** Makes new namespaces and pins each as the file `<directory>/<type>`; the directory is made when missing. `lo` is up in a new net. */
  createNamespaces(
    directory: string,
    types: readonly NamespaceType[],
    options?: NamespaceOptions,
  ): Promise<void>;
  /** A network namespace pinned at exactly this path, with `lo` up. */
  createNetns(path: string): Promise<void>;
  /** Unpins a namespace file (any type) and removes the file. True when it was there. */
  deleteNamespace(path: string): Promise<boolean>;

  /** Creates the bridge, or brings an existing one to this state; it is up afterwards. */
  ensureBridge(bridge: BridgeSpec): Promise<void>;
  /** A veth pair whose host end is on the bridge and whose peer is in `netns` with its addresses and routes; both up. */
  addVeth(veth: VethSpec): Promise<{ hostMac: string; mac: string }>;
  /** True when it was there. Deleting one end of a pair deletes the other. */
  deleteLink(name: string, netns?: string): Promise<boolean>;
  setLink(name: string, change: LinkChange, netns?: string): Promise<void>;
  links(netns?: string): Promise<LinkInfo[]>;
  /** An address with prefix length, e.g. `10.0.0.1/24` or `fd00::1/64`. It may already be there. */
  addAddress(link: string, address: string, netns?: string): Promise<void>;
  deleteAddress(link: string, address: string, netns?: string): Promise<boolean>;
  /** It may already be there. `dst` is a prefix, or `0.0.0.0/0` and `::/0` for the default route. */
  addRoute(route: RouteSpec, netns?: string): Promise<void>;
  deleteRoute(route: RouteSpec, netns?: string): Promise<boolean>;
  /** The main table. */
  routes(netns?: string): Promise<RouteSpec[]>;

  /** `net.ipv4.ip_forward` or `net/ipv4/conf/eth0.1/arp_notify`. Namespace files decide whose value it is. */
  setSysctl(key: string, value: string, namespaces?: readonly string[]): Promise<void>;
  sysctl(key: string, namespaces?: readonly string[]): Promise<string>;

  mount(mount: MountSpec): Promise<void>;
  /** Lazily with `detach`. False when nothing is mounted there. */
  umount(target: string, options?: { detach?: boolean }): Promise<boolean>;
  /** Source and target must exist. */
  bindMount(
    source: string,
    target: string,
    options?: { readonly?: boolean; recursive?: boolean; private?: boolean },
  ): Promise<void>;
  overlayMount(overlay: OverlaySpec): Promise<void>;

  /**
   * Reads a regular file as a container with these layers (lowest first) would see it, never following a link out of
   * a layer. Undefined when there is none. EFBIG above `maxBytes`.
   */
  readLayers(layers: readonly string[], path: string, maxBytes: number): Promise<Buffer | undefined>;

  /**
   * Changes of kernel files (cgroups), in this order and in one exchange. A directory that is there, or gone, already is
   * fine; the first failure that is not tolerated ends it.
   */
  changeFiles(changes: readonly FileChange[]): Promise<void>;

  /** Starts, without waiting, what the first move of a process between cgroups has to wait for. `procs` is any cgroup.procs. */
  warmCgroups(procs: string): Promise<void>;

  /** Runs an nftables script as one transaction (`nft -f -`). */
  applyNft(script: string): Promise<void>;
  /** `nft -j list ...`, parsed; undefined when the object is not there. */
  listNft(...what: string[]): Promise<unknown>;

  /** Unix socket on which a connection becomes a container monitor (see native/README.md). */
  readonly launchSocket: string;
  /** Ends the process; calls under way reject. Containers go on. */
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
  /** For a new user namespace, which then owns the others. */
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
  /** Frames may leave by the bridge port they came in on: a pod that reaches itself through a Service. */
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
  /** "" takes it off its bridge. */
  master?: string;
  hairpin?: boolean;
}

export interface LinkInfo {
  index: number;
  name: string;
  /** bridge, veth, dummy, ...; "" for plain devices and lo. */
  kind: string;
  mac: string;
  mtu: number;
  up: boolean;
  /** Index of the bridge it is on. */
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
  /** Nothing is flushed on umount: for a writable layer whose loss at a crash of the machine does not matter. */
  volatile?: boolean;
}

/** What the kernel refused. `step` names the call in `native/` (or `nft`), `code` is the errno's name. */
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
