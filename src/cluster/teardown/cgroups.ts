import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const base = "/sys/fs/cgroup";

/** The cluster's cgroup in every hierarchy of this machine: one with v2, one per controller with v1. */
export function cgroupDirs(root: string): string[] {
  const hierarchies = [base, ...readdirSafe(base).map((name) => join(base, name))];
  return hierarchies.map((dir) => join(dir, root)).filter((dir) => existsSync(join(dir, "cgroup.procs")));
}

function readdirSafe(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

/** The directory and all below it, deepest first. */
function tree(dir: string): string[] {
  return [...readdirSafe(dir).flatMap((name) => tree(join(dir, name))), dir];
}

/** Every process in the cluster's cgroups. */
export function cgroupProcesses(root: string): number[] {
  const pids = new Set<number>();
  for (const dir of cgroupDirs(root).flatMap(tree)) {
    try {
      for (const line of readFileSync(join(dir, "cgroup.procs"), "utf8").split("\n"))
        if (line !== "" && line !== "0") pids.add(Number(line));
    } catch {
      // gone meanwhile
    }
  }
  return [...pids];
}

/** Frozen processes would not die of a signal. */
export function thawCgroups(root: string): void {
  for (const dir of cgroupDirs(root).flatMap(tree)) {
    for (const [file, value] of [
      ["cgroup.freeze", "0"],
      ["freezer.state", "THAWED"],
    ] as const) {
      try {
        if (existsSync(join(dir, file))) writeFileSync(join(dir, file), value);
      } catch {
        // not frozen
      }
    }
  }
}

/** Removes the cluster's cgroups; the kernel lets go of them a moment after their last process. */
export async function removeCgroups(root: string, waitMs = 3000): Promise<string[]> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const left: string[] = [];
    for (const dir of cgroupDirs(root).flatMap(tree)) {
      try {
        rmdirSync(dir);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") left.push(dir);
      }
    }
    if (left.length === 0 || performance.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
