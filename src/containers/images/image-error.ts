import { CriError } from "../../cri/index.ts";

/** The archive or document is not what it claims to be. */
export const invalid = (message: string, cause?: unknown): CriError =>
  new CriError("InvalidArgument", message, { cause });

export const notFound = (message: string): CriError => new CriError("NotFound", message);

/** The store's own files are damaged, or a required blob is missing. */
export const damaged = (message: string, cause?: unknown): CriError =>
  new CriError("Internal", message, { cause });

export function errno(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

/** Turns file system errors into messages; others are passed through. */
export function explain(error: unknown, doing: string): unknown {
  switch (errno(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return new CriError(
        "ResourceExhausted",
        `${doing}: no space left on the device. Free some (wherry image prune, wherry image rm) and repeat; nothing was left half done`,
        { cause: error },
      );
    case "EROFS":
      return new CriError("FailedPrecondition", `${doing}: the file system is read-only`, { cause: error });
    case "EACCES":
    case "EPERM":
      return new CriError(
        "FailedPrecondition",
        `${doing}: permission denied (${(error as Error).message}). The image store belongs to root`,
        { cause: error },
      );
    default:
      return error;
  }
}
