import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ClusterError } from "./cluster-error.ts";
import { isRoot } from "./config/places.ts";

/** Why this machine can only have simulated nodes, in a sentence; undefined when it can run containers. */
export function whySimulated(): string | undefined {
  if (process.platform !== "linux")
    return `this machine runs ${process.platform}, and containers need Linux: the node is simulated and runs no containers`;
  if (!isRoot())
    return "wherry was not started as root, which making containers needs: the node is simulated and runs no containers";
  return undefined;
}

function hasFileSystem(name: string): boolean {
  const listed = (): boolean =>
    readFileSync("/proc/filesystems", "utf8")
      .split("\n")
      .some((line) => line.trim().split(/\s+/).at(-1) === name);
  if (listed()) return true;
  try {
    execFileSync("modprobe", [name], { stdio: "ignore" });
  } catch {
    return false;
  }
  return listed();
}

/** Finds a program on PATH or in the usual directories for administrators. */
function hasProgram(name: string): boolean {
  const dirs = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin", "/usr/local/sbin"];
  return dirs.some((dir) => dir !== "" && existsSync(join(dir, name)));
}

/** Throws when the kernel or the machine lacks what containers and Services need, naming all of it. */
export function checkMachine(): void {
  const missing: string[] = [];
  if (!hasFileSystem("overlay")) missing.push("overlayfs (kernel option CONFIG_OVERLAY_FS, module overlay)");
  for (const name of ["mnt", "uts", "ipc", "pid", "net"])
    if (!existsSync(`/proc/self/ns/${name}`)) missing.push(`${name} namespaces`);
  if (!existsSync("/sys/fs/cgroup") || !/\bcgroup2?\b/.test(readFileSync("/proc/self/mounts", "utf8")))
    missing.push("control groups (nothing of the kind is mounted at /sys/fs/cgroup)");
  if (!hasProgram("nft")) missing.push("nft (Debian package nftables)");
  if (missing.length === 0) return;
  throw new ClusterError(`this machine lacks what containers need: ${missing.join("; ")}`, {
    hint: "Without it there are simulated nodes only: wherry up --simulate",
  });
}
