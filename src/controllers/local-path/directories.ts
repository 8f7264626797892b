import { chmod, mkdir, rm } from "node:fs/promises";

/** File operations on volumes' directories; replaced in tests. */
export interface VolumeDirectories {
  /** Creates it with its parents; it may exist. */
  create(path: string): Promise<void>;
  /** Removes it recursively; it may be missing. */
  remove(path: string): Promise<void>;
}

export const localDirectories: VolumeDirectories = {
  async create(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    // Containers may write with any user; the parent directories keep other users out.
    await chmod(path, 0o777);
  },
  remove: (path) => rm(path, { recursive: true, force: true }),
};
