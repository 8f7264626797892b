import { statfs } from "node:fs/promises";
import type { MountPort } from "./volume.ts";

/** TMPFS_MAGIC of statfs(2). */
const tmpfsMagic = 0x01021994;

/** Ensures that a directory is in memory: on most systems /run is; otherwise a tmpfs is mounted on it. */
export async function ensureMemory(directory: string, mounts: MountPort): Promise<void> {
  if ((await statfs(directory)).type === tmpfsMagic) return;
  await mounts.tmpfs(directory, { mode: 0o755 });
}
