import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export interface RotationPolicy {
  maxBytes: number;
  /** Including the current one. */
  maxFiles: number;
}

/** Kubernetes' containerLogMaxSize and containerLogMaxFiles. */
export const defaultRotation: RotationPolicy = { maxBytes: 10 * 1024 * 1024, maxFiles: 5 };

/**
 * Rotates a log that is too large to `<path>.<time>`, lets the writer open a new one, and removes the oldest. True when it
 * rotated.
 */
export async function rotateLog(
  path: string,
  policy: RotationPolicy,
  now: number,
  reopen: () => Promise<void>,
): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found || found.size < policy.maxBytes) return false;
  const stamp = new Date(now).toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 19);
  await rename(path, `${path}.${stamp}`);
  await reopen();
  const prefix = `${basename(path)}.`;
  const old = (await readdir(dirname(path))).filter((n) => n.startsWith(prefix)).sort();
  const surplus = old.slice(0, Math.max(0, old.length - (policy.maxFiles - 1)));
  for (const name of surplus) await rm(join(dirname(path), name), { force: true });
  return true;
}
