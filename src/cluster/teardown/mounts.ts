import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Mount points at or below these directories, last mounted first. */
export function mountsBelow(dirs: readonly string[]): string[] {
  const text = readFileSync("/proc/self/mountinfo", "utf8");
  return text
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((path) =>
      path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter((path) => dirs.some((dir) => path === dir || path.startsWith(`${dir}/`)))
    .reverse();
}

/** Unmounts all of them, including pinned namespaces. Lazily, so that open files do not block it. */
export function unmountBelow(dirs: readonly string[]): string[] {
  for (let round = 0; round < 3; round++) {
    const paths = mountsBelow(dirs);
    if (paths.length === 0) return [];
    for (let at = 0; at < paths.length; at += 200)
      spawnSync("umount", ["--lazy", "--no-canonicalize", ...paths.slice(at, at + 200)], { stdio: "ignore" });
  }
  return mountsBelow(dirs);
}
