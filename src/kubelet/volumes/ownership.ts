import type { Stats } from "node:fs";
import { chmod, lchown, lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * Changes the group of a tree (fsGroup): group ownership, the owner's permissions for the group, and set-group-id on
 * directories. Links are changed but not followed.
 */
export async function setGroupOwnership(
  root: string,
  group: number,
  policy: string | undefined,
): Promise<void> {
  if (policy === "OnRootMismatch") {
    const stat = await lstat(root);
    const wanted = modeFor(stat);
    if (stat.gid === group && (stat.mode & 0o7777) === wanted) return;
  }
  await walk(root, group);
}

async function walk(path: string, group: number): Promise<void> {
  const stat = await lstat(path);
  if (stat.isDirectory()) {
    for (const name of await readdir(path)) await walk(join(path, name), group);
  }
  if (stat.gid !== group) await lchown(path, stat.uid, group);
  if (!stat.isSymbolicLink()) await chmod(path, modeFor(stat));
}

function modeFor(stat: Stats): number {
  const mode = stat.mode & 0o7777;
  const grouped = mode | ((mode & 0o700) >> 3) | 0o060;
  return stat.isDirectory() ? grouped | 0o2010 : grouped;
}
