import { readFileSync } from "node:fs";
import { type Account, groupFile, passwdFile } from "./accounts.ts";
import type { PackageLayer } from "./package-layer.ts";

/** The basic files that programs expect, unless a package has them. */
export function addSkeleton(layer: PackageLayer, accounts: readonly Account[]): void {
  for (const path of [
    "dev",
    "etc",
    "home",
    "mnt",
    "opt",
    "proc",
    "run",
    "srv",
    "sys",
    "usr/local",
    "usr/local/bin",
    "var",
    "var/lib",
    "var/log",
    "var/cache",
  ]) {
    layer.directory(path);
  }
  layer.directory("root", 0o700);
  for (const path of ["tmp", "var/tmp"]) layer.directory(path, 0o1777);
  const files: Record<string, string> = {
    "etc/passwd": passwdFile(accounts),
    "etc/group": groupFile(accounts),
    "etc/nsswitch.conf":
      "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n",
    "usr/lib/os-release": osRelease(),
  };
  for (const [path, content] of Object.entries(files)) {
    if (!layer.has(path)) layer.file(path, Buffer.from(content));
  }
  if (!layer.has("etc/os-release")) layer.symlink("etc/os-release", "../usr/lib/os-release");
  if (!layer.has("var/run")) layer.symlink("var/run", "/run");
  for (const { home, id } of accounts) {
    const path = home.slice(1);
    if (path === "nonexistent" || path === "" || layer.has(path)) continue;
    for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1))
      layer.directory(path.slice(0, at));
    layer.directory(path, 0o750, { uid: id, gid: id });
  }
}

/** The packages are from the host's release, so its name applies to the image. */
function osRelease(): string {
  try {
    return readFileSync("/etc/os-release", "utf8");
  } catch {
    return 'ID=linux\nNAME="Linux"\n';
  }
}
