import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { ClusterError } from "../cluster-error.ts";
import type { ClusterConfig } from "../config/cluster-config.ts";
import { entryPath } from "./entry-path.ts";
import { serverEnvironment, serverNodeFlags } from "./node-flags.ts";
import { type ProcessId, readProcessFile } from "./process-id.ts";

export interface DaemonEvent {
  event: "api" | "ready" | "failed";
  /** Milliseconds since the daemon's start. */
  ms: number;
  message?: string;
}

/** Facts about a running daemon. */
export interface DaemonFacts {
  apiPort: number;
  simulatedNodes: number;
  build: string;
}

const keepLogBytes = 16 * 1024 * 1024;

export const serverFile = (runDir: string): string => join(runDir, "server.json");
export const serverLog = (dataDir: string): string => join(dataDir, "log", "server.log");

/** The running daemon of this cluster. */
export const runningDaemon = (runDir: string): (ProcessId & DaemonFacts) | undefined =>
  readProcessFile<DaemonFacts>(serverFile(runDir));

/** Identifies a build of the daemon: its entry and the time it was written. */
export function daemonBuild(): string {
  const entry = entryPath("server", import.meta.url);
  return `${entry}@${statSync(entry).mtimeMs}`;
}

/** The end of the log, for an error that names no reason. */
function lastLines(path: string, count: number): string {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").slice(-count).join("\n");
  } catch {
    return "";
  }
}

/**
 * Starts the daemon detached from this process. `until` is the event to wait for; rejects with the daemon's message when it
 * failed before.
 */
export async function startDaemon(
  config: ClusterConfig,
  until: "api" | "ready",
  onEvent: (event: DaemonEvent) => void,
  signal?: AbortSignal,
): Promise<void> {
  mkdirSync(join(config.dataDir, "log"), { recursive: true, mode: 0o700 });
  mkdirSync(config.runDir, { recursive: true, mode: 0o700 });
  const logPath = serverLog(config.dataDir);
  if (existsSync(logPath) && statSync(logPath).size > keepLogBytes) renameSync(logPath, `${logPath}.1`);
  const log = openSync(logPath, "a", 0o600);
  const child = spawn(
    process.execPath,
    [...serverNodeFlags, entryPath("server", import.meta.url), JSON.stringify(config), daemonBuild()],
    { detached: true, cwd: "/", env: serverEnvironment(), stdio: ["ignore", log, log, "pipe"] },
  );
  closeSync(log);
  const pipe = child.stdio[3] as Readable;
  child.unref();
  try {
    await new Promise<void>((resolve, reject) => {
      let rest = "";
      const fail = (why: string): void =>
        reject(new ClusterError(why, { hint: `The whole log is in ${logPath}` }));
      child.once("error", (cause) => fail(`the daemon could not be started: ${cause.message}`));
      child.once("exit", (code, how) =>
        fail(
          `the daemon ended (${how ?? `exit code ${code}`}) before it was ready:\n${lastLines(logPath, 5)}`,
        ),
      );
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      pipe.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const event = JSON.parse(line) as DaemonEvent;
          onEvent(event);
          if (event.event === "failed") reject(new ClusterError(event.message ?? "the daemon failed"));
          else if (event.event === until || event.event === "ready") resolve();
        }
      });
    });
  } finally {
    pipe.destroy();
    child.removeAllListeners();
  }
}
