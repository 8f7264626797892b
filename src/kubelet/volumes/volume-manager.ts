import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Pod, VolumeMount } from "../../api/index.ts";
import type { Clock, Logger } from "../../machinery/index.ts";
import type { DownwardContext } from "../containers/downward.ts";
import { allContainers, podUid } from "../pods/pod-key.ts";
import { mountsBelow } from "./mount-table.ts";
import { pluginFor } from "./plugins.ts";
import { bindSubPath } from "./subpath.ts";
import type { MountedVolume, MountPort, VolumeHost } from "./volume.ts";

export interface VolumeManagerOptions {
  /** Pods have their directories in `<root>/pods/<uid>`. */
  root: string;
  /** The same in memory. */
  memoryRoot: string;
  mounts: MountPort;
  clock: Clock;
  log: Logger;
  objects: VolumeHost["objects"];
  claim: VolumeHost["claim"];
  persistentVolume: VolumeHost["persistentVolume"];
  token: VolumeHost["token"];
}

export interface MountedVolumes {
  byName: Map<string, MountedVolume>;
  /** When to set up again without a change (token refresh). */
  refreshAt: number | undefined;
}

/** A volume could not be set up; `message` is the FailedMount event's. */
export class MountFailure extends Error {
  override readonly name = "MountFailure";
}

/** A pod's files on this node. */
export interface PodVolumes {
  /** Sets up all volumes that containers use, in parallel. Idempotent; also applies live updates. */
  setUp(pod: Pod, downward: DownwardContext): Promise<MountedVolumes>;
  /** The path to mount for a volumeMount with a subPath. */
  subPath(
    pod: Pod,
    container: string,
    index: number,
    mount: VolumeMount,
    volume: MountedVolume,
    path: string,
  ): Promise<string>;
  /** Writes one of the pod's small files, in memory, and returns its path. Existing files are overwritten in place. */
  writeFile(uid: string, path: string, content: string, mode: number): string;
  /** Unmounts and removes everything of a pod. Persistent volumes keep their data: only mounts are removed. */
  tearDown(uid: string): Promise<void>;
  /** UIDs of pods with files on disk or in memory. */
  leftovers(): Promise<string[]>;
}

export class VolumeManager implements PodVolumes {
  readonly #options: VolumeManagerOptions;

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
  }

  #directory(uid: string): string {
    return join(this.#options.root, "pods", uid);
  }

  #memory(uid: string): string {
    return join(this.#options.memoryRoot, "pods", uid);
  }

  async setUp(pod: Pod, downward: DownwardContext): Promise<MountedVolumes> {
    const options = this.#options;
    const uid = podUid(pod);
    const used = new Set(
      allContainers(pod).flatMap(({ container }) => [
        ...(container.volumeMounts ?? []).map((m) => m.name),
        ...(container.volumeDevices ?? []).map((d) => d.name),
      ]),
    );
    const host: VolumeHost = {
      podDirectory: join(this.#directory(uid), "volumes"),
      memoryDirectory: join(this.#memory(uid), "volumes"),
      objects: options.objects,
      claim: options.claim,
      persistentVolume: options.persistentVolume,
      token: options.token,
      mounts: options.mounts,
      downward,
      now: () => options.clock.now(),
      log: options.log,
    };
    const volumes = (pod.spec?.volumes ?? []).filter((v) => used.has(v.name));
    const results = await Promise.all(
      volumes.map(async (volume) => {
        try {
          return await pluginFor(volume).setUp({ pod, volume, host });
        } catch (cause) {
          const why = cause instanceof Error ? cause.message : String(cause);
          throw new MountFailure(`MountVolume.SetUp failed for volume "${volume.name}" : ${why}`, { cause });
        }
      }),
    );
    const refreshes = results.map((r) => r.refreshAt).filter((r) => r !== undefined);
    return {
      byName: new Map(results.map((r) => [r.mounted.name, r.mounted])),
      refreshAt: refreshes.length > 0 ? Math.min(...refreshes) : undefined,
    };
  }

  subPath(
    pod: Pod,
    container: string,
    index: number,
    mount: VolumeMount,
    volume: MountedVolume,
    path: string,
  ): Promise<string> {
    const target = join(
      this.#directory(podUid(pod)),
      "volume-subpaths",
      mount.name,
      container,
      String(index),
    );
    return bindSubPath(volume.hostPath, path, target, this.#options.mounts);
  }

  writeFile(uid: string, path: string, content: string, mode: number): string {
    const full = join(this.#memory(uid), path);
    mkdirSync(dirname(full), { recursive: true, mode: 0o750 });
    writeFileSync(full, content);
    chmodSync(full, mode);
    return full;
  }

  async tearDown(uid: string): Promise<void> {
    for (const directory of [this.#directory(uid), this.#memory(uid)]) {
      for (const mount of await mountsBelow(directory)) await this.#options.mounts.unmount(mount);
      await rm(directory, { recursive: true, force: true });
    }
  }

  async leftovers(): Promise<string[]> {
    const uids = new Set<string>();
    for (const root of [this.#options.root, this.#options.memoryRoot]) {
      await mkdir(join(root, "pods"), { recursive: true, mode: 0o750 });
      for (const uid of await readdir(join(root, "pods"))) uids.add(uid);
    }
    return [...uids];
  }
}
