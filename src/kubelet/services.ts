import type { Pod, Service } from "../api/index.ts";
import type { Client } from "../client/index.ts";
import type { RuntimeService } from "../cri/index.ts";
import type { Clock, Logger } from "../machinery/index.ts";
import type { ImageManager } from "./images/image-manager.ts";
import type { WatchedObjects } from "./objects/watched-objects.ts";
import type { AnyContainer } from "./pods/pod-key.ts";
import type { ProbeManager } from "./probes/probe-manager.ts";
import type { DnsSettings } from "./sandbox/dns.ts";
import type { StatusManager } from "./status/status-manager.ts";
import type { PodVolumes } from "./volumes/volume-manager.ts";

/** Shared by all pod workers. */
export interface KubeletServices {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly runtime: RuntimeService;
  /** Prefix of container ids in statuses: `<name>://<id>`. */
  readonly runtimeName: string;
  readonly images: ImageManager;
  readonly volumes: PodVolumes;
  readonly objects: WatchedObjects;
  readonly probes: ProbeManager;
  readonly status: StatusManager;
  readonly node: NodeFacts;
  /** All Services of the cluster; resolves when they are cached. */
  services(): Promise<readonly Service[]>;
  forgetTokens(uid: string): void;
  /** Logs of a pod's containers are in `<directory>/<container>/<attempt>.log`. */
  logDirectory(namespace: string, name: string, uid: string): string;
  podEvent(pod: Pod, type: "Normal" | "Warning", reason: string, message: string): void;
  containerEvent(
    pod: Pod,
    container: AnyContainer,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
  ): void;
}

/** The node's properties for its pods. */
export interface NodeFacts {
  readonly name: string;
  readonly hostname: string;
  hostIps(): readonly string[];
  allocatable(): Readonly<Record<string, string>>;
  /** Bytes. */
  readonly memoryCapacity: number;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  hostDns(): DnsSettings;
  hostsFile(): string;
}
