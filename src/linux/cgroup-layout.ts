import { readFileSync } from "node:fs";

/** Mount points of this machine's controllers. A controller is either on v1 or on v2. */
export interface CgroupLayout {
  /** v2: all controllers on the unified hierarchy. v1: none. hybrid: v1 controllers with an additional v2 mount. */
  mode: "v1" | "v2" | "hybrid";
  /** v1 controller name (`cpu`, `memory`, `name=systemd`, ...) to the directory whose "/" is the root cgroup. */
  v1: Record<string, string>;
  /** Mount point of the unified hierarchy. */
  unified?: string;
  /** With a v1 cpuset: the processors and memory nodes of its root. */
  cpus?: string;
  mems?: string;
}

/** Parses /proc/self/mountinfo (proc(5)). Pure. */
export function parseCgroupLayout(mountinfo: string): CgroupLayout {
  const v1: Record<string, string> = {};
  let unified: string | undefined;
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root, mountPoint = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (root !== "/") continue; // a bind mount of a part of the hierarchy
    if (type === "cgroup2") unified ??= mountPoint;
    if (type !== "cgroup") continue;
    for (const option of options.split(",")) {
      if (
        !["rw", "ro", "xattr", "clone_children", "noprefix"].includes(option) &&
        !option.startsWith("release_agent=")
      ) {
        v1[option] ??= mountPoint;
      }
    }
  }
  const controllers = Object.keys(v1).filter((name) => !name.startsWith("name="));
  const mode = controllers.length === 0 ? "v2" : unified ? "hybrid" : "v1";
  return { mode, v1, ...(unified && { unified }) };
}

export function cgroupLayout(): CgroupLayout {
  const layout = parseCgroupLayout(readFileSync("/proc/self/mountinfo", "utf8"));
  const cpuset = layout.v1["cpuset"];
  if (!cpuset) return layout;
  const value = (file: string): string => readFileSync(`${cpuset}/${file}`, "utf8").trim();
  return { ...layout, cpus: value("cpuset.cpus"), mems: value("cpuset.mems") };
}
