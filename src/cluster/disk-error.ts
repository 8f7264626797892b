import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { ClusterError } from "./cluster-error.ts";

/** Bytes. Certificates, an empty store and its log take about a third of it. */
const neededSpace = 1024 * 1024;

/** Throws when the disk is too full to start a cluster, which could not store anything. */
export function checkSpace(dataDir: string): void {
  let there = dataDir;
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize, blocks } = statfsSync(there);
  // File systems without data of their own, such as /proc, report no blocks.
  if (blocks > 0 && bavail * bsize >= neededSpace) return;
  throw new ClusterError(`there is no space left for the cluster's data in ${dataDir}`, {
    hint: "Free some (1 MiB at least), or use another directory with --data-dir.",
  });
}

/** The problem with the directory, by error code, and what to do about it. */
const causes: Readonly<Record<string, readonly [problem: string, hint: string]>> = {
  ENOSPC: ["there is no space left on its disk", "Free some, or use another directory with --data-dir."],
  EDQUOT: ["its disk quota is used up", "Free some, or use another directory with --data-dir."],
  EROFS: ["its file system is read-only", "Use another directory with --data-dir."],
  EACCES: ["this user may not write there", "Run as its owner, or use another directory with --data-dir."],
  EPERM: ["this user may not write there", "Run as its owner, or use another directory with --data-dir."],
  ENOTDIR: ["it is not a directory", "Remove the file, or use another directory with --data-dir."],
};

/** The same error, or a sentence for people when the data directory cannot be used. */
export function explainDiskError(error: unknown, dataDir: string): unknown {
  if (!(error instanceof Error) || error instanceof ClusterError) return error;
  const { code = "", path } = error as NodeJS.ErrnoException;
  const known = causes[code];
  if (!known || (path !== undefined && !path.startsWith(dataDir))) return error;
  return new ClusterError(`${path ?? dataDir} cannot be used for the cluster's data: ${known[0]}`, {
    hint: known[1],
    cause: error,
  });
}
