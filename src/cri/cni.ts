/**
 * The interface between runtime and pod network, like the CNI specification 1.1 (ADD, DEL, CHECK, GC, STATUS). The runtime
 * creates and pins the network namespace; the plugin adds an interface with addresses and routes.
 */
export interface CniNetwork {
  add(attachment: CniAttachment): Promise<CniResult>;
  /** Idempotent, also for an unknown attachment. */
  del(attachment: CniAttachment): Promise<void>;
  /** Rejects when the interface, an address or a route is missing. */
  check(attachment: CniAttachment): Promise<void>;
  /** Releases everything that belongs to none of these container ids. */
  gc(validContainerIds: readonly string[]): Promise<void>;
  status(): Promise<{ ready: boolean; reason: string; message: string }>;
}

export interface CniAttachment {
  /** The sandbox's id. */
  containerId: string;
  /** Path of the pinned network namespace. */
  netns: string;
  /** Interface name in the pod, e.g. eth0. */
  ifName: string;
  args: { podNamespace: string; podName: string; podUid: string };
  portMappings: import("./contract.ts").PortMapping[];
}

export interface CniResult {
  /** The pod's addresses with prefix length, and their gateway. */
  ips: { address: string; gateway: string }[];
  routes: { dst: string; gw?: string }[];
  interfaces: { name: string; mac: string; sandbox?: string; mtu: number }[];
}
