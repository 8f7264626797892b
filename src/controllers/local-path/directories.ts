import { chmod, mkdir, rm } from "node:fs/promises";

/** Where volumes live; a test hands in another one. */
export interface VolumeDirectories {
  /** Makes it, with everything above; a directory that is there is fine. */
  create(path: string): Promise<void>;
  /** With all it holds; one that is not there is fine. */
  remove(path: string): Promise<void>;
}

export const localDirectories: VolumeDirectories = {
  async create(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    // Any user a container may run as writes into it; the directories above keep everybody else out.
    await chmod(path, 0o777);
  },
  remove: (path) => rm(path, { recursive: true, force: true }),
};
