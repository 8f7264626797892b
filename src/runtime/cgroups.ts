import { join } from "node:path";
import type { CgroupLayout } from "../linux/index.ts";
import type { SpecResources } from "./spec.ts";

/** `tolerate`: the controller may lack the file. */
export interface CgroupWrite {
  path: string;
  value: string;
  tolerate?: boolean;
}

/** Operations on the cgroup file systems. */
export interface CgroupPlan {
  /** In order; existing directories are kept. */
  steps: ({ mkdir: string } | CgroupWrite)[];
  /** A process joins by writing its id into each. */
  procs: string[];
  /** File with the `oom_kill` count. */
  oomFile?: string;
}

/** v1 controllers used for containers; others have no benefit, and every join costs time. */
const used = ["cpu", "cpuacct", "cpuset", "memory", "devices", "pids", "freezer", "blkio", "hugetlb"];

/** Directory per controller below `path` ("/a/b"); several controllers may share one. `unified` for v2. */
export function cgroupDirectories(layout: CgroupLayout, path: string): Record<string, string> {
  if (layout.mode === "v2") return { unified: join(layout.unified ?? "/sys/fs/cgroup", path) };
  const found: Record<string, string> = {};
  for (const name of used) {
    const root = layout.v1[name];
    if (root) found[name] = join(root, path);
  }
  return found;
}

/** Pure: the plan for a cgroup at `path` with these limits. Missing parents are created without limits. */
export function planCgroup(layout: CgroupLayout, path: string, resources: SpecResources): CgroupPlan {
  return layout.mode === "v2" ? planUnified(layout, path, resources) : planV1(layout, path, resources);
}

/** The limits alone, for an existing cgroup. */
export function planResources(layout: CgroupLayout, path: string, resources: SpecResources): CgroupWrite[] {
  return layout.mode === "v2"
    ? unifiedWrites(cgroupDirectories(layout, path).unified ?? "", resources)
    : v1Writes(cgroupDirectories(layout, path), resources);
}

function ancestors(root: string, path: string): string[] {
  const parts = path.split("/").filter(Boolean);
  return parts.map((_, index) => join(root, ...parts.slice(0, index + 1)));
}

function planV1(layout: CgroupLayout, path: string, resources: SpecResources): CgroupPlan {
  const directories = cgroupDirectories(layout, path);
  const roots = new Set(used.map((name) => layout.v1[name]).filter((root) => root !== undefined));
  const steps: CgroupPlan["steps"] = [];
  for (const root of roots) {
    for (const [depth, directory] of ancestors(root, path).entries()) {
      steps.push({ mkdir: directory });
      if (depth > 0 || root !== layout.v1["cpuset"]) continue;
      // A new cpuset directory is empty, and processes cannot join an empty one. The topmost, the cluster's own, gets all
      // processors and memory nodes of the machine, and those below start as copies of their parent.
      steps.push({ path: join(directory, "cpuset.cpus"), value: layout.cpus ?? "0", tolerate: true });
      steps.push({ path: join(directory, "cpuset.mems"), value: layout.mems ?? "0", tolerate: true });
      steps.push({ path: join(directory, "cgroup.clone_children"), value: "1", tolerate: true });
    }
  }
  return {
    steps: [...steps, ...v1Writes(directories, resources)],
    procs: [...new Set(Object.values(directories))].map((directory) => join(directory, "cgroup.procs")),
    ...(directories["memory"] && { oomFile: join(directories["memory"], "memory.oom_control") }),
  };
}

function v1Writes(directories: Record<string, string>, resources: SpecResources): CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const put = (controller: string, file: string, value: string | number, tolerate = false): void => {
    const directory = directories[controller];
    if (directory)
      writes.push({ path: join(directory, file), value: String(value), ...(tolerate && { tolerate }) });
  };
  const { cpu, memory, pids, devices, hugepageLimits } = resources;
  if (cpu?.shares) put("cpu", "cpu.shares", cpu.shares);
  if (cpu?.period) put("cpu", "cpu.cfs_period_us", cpu.period);
  if (cpu?.quota) put("cpu", "cpu.cfs_quota_us", cpu.quota);
  if (cpu?.cpus) put("cpuset", "cpuset.cpus", cpu.cpus);
  if (cpu?.mems) put("cpuset", "cpuset.mems", cpu.mems);
  if (memory?.limit) put("memory", "memory.limit_in_bytes", memory.limit);
  if (memory?.swap) put("memory", "memory.memsw.limit_in_bytes", memory.swap, true);
  if (memory?.reservation) put("memory", "memory.soft_limit_in_bytes", memory.reservation);
  if (pids?.limit) put("pids", "pids.max", pids.limit > 0 ? pids.limit : "max");
  for (const page of hugepageLimits ?? [])
    put("hugetlb", `hugetlb.${page.pageSize}.limit_in_bytes`, page.limit, true);
  for (const device of devices ?? []) {
    put("devices", device.allow ? "devices.allow" : "devices.deny", deviceRule(device));
  }
  return writes;
}

function deviceRule(device: NonNullable<SpecResources["devices"]>[number]): string {
  if (!device.type || device.type === "a") return "a";
  return `${device.type} ${device.major ?? "*"}:${device.minor ?? "*"} ${device.access ?? "rwm"}`;
}

const unifiedControllers = ["cpu", "cpuset", "memory", "pids", "io", "hugetlb"];

function planUnified(layout: CgroupLayout, path: string, resources: SpecResources): CgroupPlan {
  const root = layout.unified ?? "/sys/fs/cgroup";
  const steps: CgroupPlan["steps"] = [];
  let parent = root;
  // Controllers are delegated level by level; one that the parent lacks is unavailable.
  for (const directory of ancestors(root, path)) {
    for (const controller of unifiedControllers) {
      steps.push({ path: join(parent, "cgroup.subtree_control"), value: `+${controller}`, tolerate: true });
    }
    steps.push({ mkdir: directory });
    parent = directory;
  }
  const leaf = join(root, path);
  return {
    steps: [...steps, ...unifiedWrites(leaf, resources)],
    procs: [join(leaf, "cgroup.procs")],
    oomFile: join(leaf, "memory.events"),
  };
}

/** Converts cgroup v1 shares (2..262144) to v2 weights (1..10000), with 1024 as 100; the curve of runc and crun since 2025. */
export function sharesToWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const l = Math.log2(shares);
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34));
}

function unifiedWrites(directory: string, resources: SpecResources): CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const put = (file: string, value: string | number, tolerate = false): void => {
    writes.push({ path: join(directory, file), value: String(value), ...(tolerate && { tolerate }) });
  };
  const { cpu, memory, pids, hugepageLimits, unified } = resources;
  if (cpu?.shares) put("cpu.weight", sharesToWeight(cpu.shares));
  if (cpu?.quota || cpu?.period)
    put("cpu.max", `${cpu.quota && cpu.quota > 0 ? cpu.quota : "max"} ${cpu.period ?? 100000}`);
  if (cpu?.cpus) put("cpuset.cpus", cpu.cpus);
  if (cpu?.mems) put("cpuset.mems", cpu.mems);
  // An OOM kill ends the whole container, not a single process (as in the kubelet since 1.28).
  if (memory?.limit) put("memory.oom.group", 1, true);
  if (memory?.limit) put("memory.max", memory.limit > 0 ? memory.limit : "max");
  if (memory?.swap) {
    const swap = memory.swap - (memory.limit ?? 0);
    put("memory.swap.max", memory.swap < 0 ? "max" : Math.max(0, swap), true);
  }
  if (memory?.reservation) put("memory.low", memory.reservation);
  if (pids?.limit) put("pids.max", pids.limit > 0 ? pids.limit : "max");
  for (const page of hugepageLimits ?? []) put(`hugetlb.${page.pageSize}.max`, page.limit, true);
  for (const [file, value] of Object.entries(unified ?? {})) {
    if (file.includes("/")) throw new RangeError(`${file} is no cgroup file`);
    put(file, value);
  }
  return writes;
}
