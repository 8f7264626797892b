import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { VolumeError } from "./projection.ts";
import type { VolumePlugin } from "./volume.ts";

export const hostPathVolume: VolumePlugin = {
  async setUp({ volume }) {
    const { path = "", type = "" } = volume.hostPath ?? {};
    await checkHostPath(path, type);
    return { mounted: { name: volume.name, hostPath: path, readOnly: false } };
  },
};

/** hostPath types: what must exist, and what is created otherwise. */
export async function checkHostPath(path: string, type: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  const fail = (): never => {
    throw new VolumeError(`hostPath type check failed: ${path} is not ${wanted[type] ?? type}`);
  };
  switch (type) {
    case "":
      return;
    case "DirectoryOrCreate":
      if (!found) {
        await mkdir(path, { recursive: true });
        await chmod(path, 0o755);
      } else if (!found.isDirectory()) fail();
      return;
    case "FileOrCreate":
      if (!found) await writeFile(path, "", { mode: 0o644, flag: "a" });
      else if (!found.isFile()) fail();
      return;
    case "Directory":
      if (!found?.isDirectory()) fail();
      return;
    case "File":
      if (!found?.isFile()) fail();
      return;
    case "Socket":
      if (!found?.isSocket()) fail();
      return;
    case "CharDevice":
      if (!found?.isCharacterDevice()) fail();
      return;
    case "BlockDevice":
      if (!found?.isBlockDevice()) fail();
      return;
    default:
      throw new VolumeError(`${type} is an invalid volume type`);
  }
}

const wanted: Record<string, string> = {
  DirectoryOrCreate: "a directory",
  Directory: "a directory",
  FileOrCreate: "a file",
  File: "a file",
  Socket: "a socket file",
  CharDevice: "a character device",
  BlockDevice: "a block device",
};
