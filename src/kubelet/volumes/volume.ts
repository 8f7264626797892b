import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from "../../api/index.ts";
import type { Logger } from "../../machinery/index.ts";
import type { DownwardContext } from "../containers/downward.ts";
import type { ObjectSource } from "../containers/environment.ts";

/** A volume that is ready to mount into containers. */
export interface MountedVolume {
  name: string;
  /** "" for an image volume. */
  hostPath: string;
  /** The volume itself is read-only, whatever the mount says. */
  readOnly: boolean;
  /** Reference of the volume's image. */
  image?: string;
}

/** The mounts that a kubelet makes itself; the kernel's or, without root, none. */
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

/** The environment of a volume plugin. */
export interface VolumeHost {
  /** Directory of this pod's volumes on disk, e.g. `<root>/pods/<uid>/volumes`. */
  podDirectory: string;
  /** Likewise in memory: for secrets, and for small files. */
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

/** The result of a setup, and when to repeat it without a change (token refresh). */
export interface VolumeResult {
  mounted: MountedVolume;
  refreshAt?: number;
}

/**
 * A type of volume. `setUp` is idempotent: it is called when the pod starts and again when a source may have changed, and does
 * nothing for an up-to-date volume.
 */
export interface VolumePlugin {
  setUp(request: VolumeRequest): Promise<VolumeResult>;
}
