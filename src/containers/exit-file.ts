import { readFileSync } from "node:fs";
import type { Exit } from "../runtime/index.ts";

/** What the monitor wrote when the container ended; undefined when it did not. */
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
