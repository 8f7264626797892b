import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import type { ClusterConfig } from "../config/cluster-config.ts";

/** PATH of a user may lack the places for administrators. */
const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };

/** The cluster's tables go; nobody else's are touched. Succeeds when there are none. */
export function removeTables(config: ClusterConfig): void {
  const script = [config.serviceTable, config.podTable]
    .map((table) => `add table inet ${table}\ndelete table inet ${table}\n`)
    .join("");
  spawnSync("nft", ["-f", "-"], { input: script, env, stdio: ["pipe", "ignore", "ignore"] });
}

/** The bridge, and what is still plugged into it: pods' links go with their namespaces, which the kernel does later. */
export function removeBridge(config: ClusterConfig): void {
  const dir = `/sys/class/net/${config.bridge}`;
  if (!existsSync(dir)) return;
  const ports = existsSync(`${dir}/brif`) ? readdirSync(`${dir}/brif`) : [];
  const script = [...ports, config.bridge].map((link) => `link delete ${link}\n`).join("");
  spawnSync("ip", ["-force", "-batch", "-"], { input: script, env, stdio: ["pipe", "ignore", "ignore"] });
}
