import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isAlive, type ProcessId, processId } from "./process-id.ts";

/**
 * Runs `work` while no other process holds the same lock: a file with its holder in it; a lock whose holder is gone is broken.
 * Rejects with `busy()` when it is not free within `waitMs`.
 */
export async function withFileLock<T>(
  path: string,
  waitMs: number,
  busy: (holder: ProcessId) => Error,
  work: () => Promise<T>,
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(processId(process.pid)));
  const deadline = performance.now() + waitMs;
  try {
    for (;;) {
      try {
        linkSync(draft, path);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = holderOf(path);
      if (!holder || !isAlive(holder)) rmSync(path, { force: true });
      else if (performance.now() > deadline) throw busy(holder);
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } finally {
    rmSync(draft, { force: true });
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function holderOf(path: string): ProcessId | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ProcessId;
  } catch {
    return undefined;
  }
}
