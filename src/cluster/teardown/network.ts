import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
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

export function removeBridge(config: ClusterConfig): void {
  if (existsSync(`/sys/class/net/${config.bridge}`))
    spawnSync("ip", ["link", "delete", config.bridge], { env, stdio: "ignore" });
}
