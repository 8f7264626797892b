import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from "../../api/index.ts";
import type { Logger } from "../../machinery/index.ts";
import type { DownwardContext } from "../containers/downward.ts";
import type { ObjectSource } from "../containers/environment.ts";

/** A volume that is ready to be mounted into containers. */
export interface MountedVolume {
  name: string;
  /** "" for an image volume. */
  hostPath: string;
  /** The volume itself cannot be written to, whatever the mount says. */
  readOnly: boolean;
  /** Reference of the image that is the volume. */
  image?: string;
}

/** The mounts a kubelet makes itself; the composition hands in the kernel's or, without root, none. */
export interface MountPort {
  tmpfs(target: string, options: { sizeBytes?: number; mode: number }): Promise<void>;
  bind(source: string, target: string): Promise<void>;
  /** Succeeds when nothing is mounted there. */
  unmount(target: string): Promise<void>;
}

export interface TokenRequest {
  namespace: string;
  serviceAccount: string;
  audience: string;
  expirationSeconds: number;
  pod: { name: string; uid: string };
}

/** Everything a volume plugin may reach for. */
export interface VolumeHost {
  /** Where this pod's volumes are on disk, e.g. `<root>/pods/<uid>/volumes`. */
  podDirectory: string;
  /** Like it, in memory: secrets do not reach the disk, and small files cost next to nothing. */
  memoryDirectory: string;
  objects: ObjectSource;
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim | undefined>;
  persistentVolume(name: string): Promise<PersistentVolume | undefined>;
  token(request: TokenRequest): Promise<{ token: string; expiresAt: number }>;
  mounts: MountPort;
  downward: DownwardContext;
  now(): number;
  log: Logger;
}

export interface VolumeRequest {
  pod: Pod;
  volume: Volume;
  host: VolumeHost;
}

/** What set-up made, and when it wants to be done again although nothing changed (token refresh). */
export interface VolumeResult {
  mounted: MountedVolume;
  refreshAt?: number;
}

/**
 * One kind of volume. `setUp` is idempotent: it is called when the pod starts and again when something it was made of
 * may have changed, and does nothing to a volume that is as it should be.
 */
export interface VolumePlugin {
  setUp(request: VolumeRequest): Promise<VolumeResult>;
}
