import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { checkName, defaultName } from "./naming.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Selects a cluster. */
export interface ClusterChoice {
  /** Default `wherry`. */
  name?: string;
  /** Default WHERRY_DATA_DIR, else below /var/lib/wherry (root) or ~/.local/share/wherry. */
  dataDir?: string;
}

export interface Places {
  name: string;
  dataDir: string;
  /** Sockets, pins and process files: gone after a reboot. */
  runDir: string;
  /** Shared by the clusters of this machine: their indexes. */
  slotsDir: string;
}

export const isRoot = (): boolean => process.getuid?.() === 0;

/** Where a cluster is stored. Pure but for the user's identity: nothing is created. */
export function placesOf(choice: ClusterChoice, env: Environment = process.env): Places {
  const name = choice.name ?? env["WHERRY_NAME"] ?? defaultName;
  checkName(name);
  const base = isRoot()
    ? "/var/lib/wherry"
    : join(env["XDG_DATA_HOME"] || join(env["HOME"] || homedir(), ".local/share"), "wherry");
  const run = isRoot()
    ? "/run/wherry"
    : join(env["XDG_RUNTIME_DIR"] || `/tmp/wherry-${process.getuid?.() ?? "user"}`, "wherry");
  return {
    name,
    dataDir: resolve(choice.dataDir ?? env["WHERRY_DATA_DIR"] ?? join(base, name)),
    runDir: join(run, name),
    slotsDir: join(base, ".slots"),
  };
}
