import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import type { ClusterConfig } from "../config/cluster-config.ts";

/** Users' PATH may lack directories for administrators. */
const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };

/** Removes the cluster's tables only. Succeeds when there are none. */
export function removeTables(config: ClusterConfig): void {
  const script = [config.serviceTable, config.podTable]
    .map((table) => `add table inet ${table}\ndelete table inet ${table}\n`)
    .join("");
  spawnSync("nft", ["-f", "-"], { input: script, env, stdio: ["pipe", "ignore", "ignore"] });
}

/** The bridge, and the links attached to it: those of pods disappear with their namespaces, which the kernel does later. */
export function removeBridge(config: ClusterConfig): void {
  const dir = `/sys/class/net/${config.bridge}`;
  if (!existsSync(dir)) return;
  const ports = existsSync(`${dir}/brif`) ? readdirSync(`${dir}/brif`) : [];
  const script = [...ports, config.bridge].map((link) => `link delete ${link}\n`).join("");
  spawnSync("ip", ["-force", "-batch", "-"], { input: script, env, stdio: ["pipe", "ignore", "ignore"] });
}
