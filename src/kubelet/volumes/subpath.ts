import { constants } from "node:fs";
import { type FileHandle, mkdir, open, realpath, writeFile, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { isMountPoint } from "./mount-table.ts";
import { VolumeError } from "./projection.ts";
import type { MountPort } from "./volume.ts";

/** Linux' O_PATH, which Node lacks. */
const oPath = 0o10000000;

/**
 * Makes one path inside a volume mountable without trusting what the pod may do to the volume meanwhile (links swapped
 * between check and use): the path is resolved, checked to be inside, then opened component by component without
 * following links, and what was opened is bound to `target` by its descriptor.
 */
export async function bindSubPath(
  volumeRoot: string,
  subPath: string,
  target: string,
  mounts: MountPort,
): Promise<string> {
  if (await isMountPoint(target)) return target;
  const root = await realpath(volumeRoot);
  let real: string;
  try {
    real = await realpath(join(root, subPath));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    await makeInside(root, subPath);
    real = await realpath(join(root, subPath));
  }
  const inside = relative(root, real);
  if (isOutside(inside)) {
    throw new VolumeError(`subPath ${JSON.stringify(subPath)} leads out of the volume`);
  }
  const handle = await openWithoutLinks(root, inside);
  try {
    const stat = await handle.stat();
    await mkdir(dirname(target), { recursive: true, mode: 0o750 });
    if (stat.isDirectory()) await mkdir(target, { recursive: true });
    else await writeFile(target, "", { flag: "a" });
    await mounts.bind(`/proc/${process.pid}/fd/${handle.fd}`, target);
  } finally {
    await handle.close();
  }
  return target;
}

/** `..2026_...` is a valid name, used by the atomic writer. */
function isOutside(inside: string): boolean {
  return inside === ".." || inside.startsWith("../") || inside.startsWith("/");
}

/** Opens a path below `root` without following links; each step starts from an open directory. */
async function openWithoutLinks(root: string, inside: string): Promise<FileHandle> {
  let handle = await open(root, constants.O_DIRECTORY | constants.O_NOFOLLOW | oPath);
  for (const part of inside.split("/").filter((p) => p !== "")) {
    let next: FileHandle;
    try {
      next = await open(`/proc/self/fd/${handle.fd}/${part}`, constants.O_NOFOLLOW | oPath);
    } finally {
      await handle.close();
    }
    if ((await next.stat()).isSymbolicLink()) {
      await next.close();
      throw new VolumeError(`subPath component ${part} became a link`);
    }
    handle = next;
  }
  return handle;
}

/** Creates the missing directories of a subPath with the volume root's permissions, following no link out of it. */
async function makeInside(root: string, subPath: string): Promise<void> {
  const mode = (await stat(root)).mode & 0o7777;
  let at = root;
  for (const part of subPath.split("/").filter((p) => p !== "" && p !== ".")) {
    const next = join(at, part);
    let real: string;
    try {
      real = await realpath(next);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
      const parent = await openWithoutLinks(root, relative(root, at));
      try {
        const made = `/proc/self/fd/${parent.fd}/${part}`;
        await mkdir(made);
        const handle = await open(made, constants.O_DIRECTORY | constants.O_NOFOLLOW);
        try {
          await handle.chmod(mode);
        } finally {
          await handle.close();
        }
      } finally {
        await parent.close();
      }
      real = next;
    }
    const inside = relative(root, real);
    if (inside.startsWith(".."))
      throw new VolumeError(`subPath ${JSON.stringify(subPath)} leads out of the volume`);
    at = real;
  }
}
