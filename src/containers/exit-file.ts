import { readFileSync } from "node:fs";
import type { Exit } from "../runtime/index.ts";

/** The monitor's record of a container's end; undefined while there is none. */
export function readExit(path: string): Exit | undefined {
  try {
    const raw = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    return {
      exitCode: Number(raw["exitCode"]),
      signal: Number(raw["signal"]),
      oomKilled: raw["oomKilled"] === true,
      startedAt: BigInt(String(raw["startedAt"])),
      finishedAt: BigInt(String(raw["finishedAt"])),
    };
  } catch {
    return undefined;
  }
}
