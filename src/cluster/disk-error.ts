import { ClusterError } from "./cluster-error.ts";

/** What is wrong with the directory, by the system's error code, and what to do about it. */
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
