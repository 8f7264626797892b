/**
 * The boundary between runtime and pod network, shaped like the CNI specification 1.1 (ADD, DEL, CHECK, GC, STATUS).
 * The runtime makes and pins the network namespace; the plugin puts an interface with addresses and routes into it.
 */
export interface CniNetwork {
  add(attachment: CniAttachment): Promise<CniResult>;
  /** Twice, or for an attachment that never was, succeeds. */
  del(attachment: CniAttachment): Promise<void>;
  /** Rejects when the interface, an address or a route is missing. */
  check(attachment: CniAttachment): Promise<void>;
  /** Gives back everything that belongs to none of these container ids. */
  gc(validContainerIds: readonly string[]): Promise<void>;
  status(): Promise<{ ready: boolean; reason: string; message: string }>;
}

export interface CniAttachment {
  /** The sandbox's id. */
  containerId: string;
  /** Path of the pinned network namespace. */
  netns: string;
  /** Name inside, e.g. eth0. */
  ifName: string;
  args: { podNamespace: string; podName: string; podUid: string };
  portMappings: import("./contract.ts").PortMapping[];
}

export interface CniResult {
  /** Addresses inside the pod with prefix length, and their gateway. */
  ips: { address: string; gateway: string }[];
  routes: { dst: string; gw?: string }[];
  interfaces: { name: string; mac: string; sandbox?: string; mtu: number }[];
}
