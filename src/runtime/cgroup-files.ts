import { readdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { CgroupLayout, Native } from "../linux/index.ts";
import { type Clock, systemClock } from "../machinery/index.ts";
import { cgroupDirectories, planCgroup, planResources } from "./cgroups.ts";
import type { SpecResources } from "./spec.ts";

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;

/** Creates the cgroup in every hierarchy, with these limits. */
export function ensureCgroup(
  native: Native,
  layout: CgroupLayout,
  path: string,
  resources: SpecResources,
): Promise<void> {
  return native.changeFiles(planCgroup(layout, path, resources).steps);
}

/** Call it some milliseconds before a container is started. */
export function warmCgroups(native: Native, layout: CgroupLayout): Promise<void> {
  const root = layout.mode === "v2" ? layout.unified : (layout.v1["freezer"] ?? Object.values(layout.v1)[0]);
  return root ? native.warmCgroups(join(root, "cgroup.procs")) : Promise.resolve();
}

/** New limits of an existing cgroup. Memory below the current usage results in EBUSY on v1. */
export async function updateCgroup(
  native: Native,
  layout: CgroupLayout,
  path: string,
  resources: SpecResources,
): Promise<void> {
  const writes = planResources(layout, path, resources);
  try {
    await native.changeFiles(writes);
  } catch (error) {
    if (codeOf(error) !== "EINVAL") throw error;
    // memory.memsw must never be below memory: if one order fails, the other succeeds.
    await native.changeFiles(writes.toReversed());
  }
}

/**
 * Removes the cgroup recursively; it may be gone already. Remaining processes (whose monitor died before them) are killed.
 */
export async function removeCgroup(
  native: Native,
  layout: CgroupLayout,
  path: string,
  clock: Clock = systemClock,
): Promise<void> {
  const directories = [...new Set(Object.values(cgroupDirectories(layout, path)))];
  try {
    // The usual case is a leaf whose processes are gone.
    await native.changeFiles(directories.map((rmdir) => ({ rmdir })));
  } catch {
    await Promise.all(directories.map((directory) => removeTree(directory, clock)));
  }
}

/** Killed processes leave their cgroup within milliseconds, or never if stuck in the kernel. */
const rounds = 400;
const pauseMs = 5;

async function removeTree(directory: string, clock: Clock): Promise<void> {
  for (let round = 0; ; round++) {
    try {
      await rmdir(directory);
      return;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return;
      if ((codeOf(error) !== "EBUSY" && codeOf(error) !== "ENOTEMPTY") || round === rounds) throw error;
    }
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
    const below = entries.filter((entry) => entry.isDirectory());
    for (const entry of below) await removeTree(join(directory, entry.name), clock);
    if (below.length > 0) continue;
    for (const pid of await processesIn(directory)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if (codeOf(error) !== "ESRCH") throw error;
      }
    }
    await clock.sleep(pauseMs);
  }
}

async function processesIn(directory: string): Promise<number[]> {
  const text = await readFile(join(directory, "cgroup.procs"), "utf8").catch(() => "");
  return text
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0); // 0 is a process of an outer process namespace
}

export interface CgroupStats {
  cpuNanoseconds: number;
  memory: { usage: number; workingSet: number; rss: number; limit?: number };
  pids: number;
}

/** The cgroup's resource usage. Undefined when it is gone. */
export async function cgroupStats(layout: CgroupLayout, path: string): Promise<CgroupStats | undefined> {
  const directories = cgroupDirectories(layout, path);
  const read = (directory: string | undefined, file: string): Promise<string> =>
    directory ? readFile(join(directory, file), "utf8").catch(() => "") : Promise.resolve("");
  const unified = directories["unified"];
  if (unified) {
    const [cpu, current, stat, max, pids] = await Promise.all(
      ["cpu.stat", "memory.current", "memory.stat", "memory.max", "pids.current"].map((file) =>
        read(unified, file),
      ),
    );
    if (!cpu && !current) return undefined;
    const usage = Number(current);
    const limit = Number(max);
    return {
      cpuNanoseconds: value(cpu, "usage_usec") * 1000,
      memory: {
        usage,
        workingSet: Math.max(0, usage - value(stat, "inactive_file")),
        rss: value(stat, "anon"),
        ...(max && Number.isFinite(limit) && { limit }),
      },
      pids: Number(pids),
    };
  }
  const [cpu, current, stat, max, pids] = await Promise.all([
    read(directories["cpuacct"], "cpuacct.usage"),
    read(directories["memory"], "memory.usage_in_bytes"),
    read(directories["memory"], "memory.stat"),
    read(directories["memory"], "memory.limit_in_bytes"),
    read(directories["pids"], "pids.current"),
  ]);
  if (!cpu && !current) return undefined;
  const usage = Number(current);
  const limit = Number(max);
  return {
    cpuNanoseconds: Number(cpu),
    memory: {
      usage,
      workingSet: Math.max(0, usage - value(stat, "total_inactive_file")),
      rss: value(stat, "total_rss"),
      // "No limit" is the largest multiple of the page size.
      ...(limit > 0 && limit < 2 ** 62 && { limit }),
    },
    pids: Number(pids),
  };
}

function value(text: string | undefined, key: string): number {
  const match = new RegExp(`^${key} (\\d+)`, "m").exec(text ?? "");
  return match ? Number(match[1]) : 0;
}
