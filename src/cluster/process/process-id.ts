import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** A process, distinguished from later ones with the same ID. */
export interface ProcessId {
  pid: number;
  /** Field 22 of /proc/<pid>/stat: clock ticks after boot. "" where there is no /proc. */
  startTime: string;
}

/** Field 22; the command name before it may hold spaces and parentheses. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export function processId(pid: number): ProcessId | undefined {
  if (process.platform !== "linux") return { pid, startTime: "" };
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

/** False for a zombie, and when the ID belongs to another process now. */
export function isAlive(id: ProcessId): boolean {
  if (process.platform === "linux") return startTimeOf(id.pid) === id.startTime;
  try {
    process.kill(id.pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** False when it was gone already. */
export function signalProcess(id: ProcessId, signal: NodeJS.Signals): boolean {
  if (!isAlive(id)) return false;
  try {
    process.kill(id.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Resolves with true when it ends within `ms`. */
export async function waitForExit(id: ProcessId, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  let pause = 2;
  while (isAlive(id)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 50);
  }
  return true;
}

/** Sends SIGTERM, and SIGKILL after `graceMs`. */
export async function endProcess(id: ProcessId, graceMs: number): Promise<void> {
  if (!signalProcess(id, "SIGTERM") || (await waitForExit(id, graceMs))) return;
  signalProcess(id, "SIGKILL");
  await waitForExit(id, 5000);
}

/** A file about a running process, with facts for others. */
export function writeProcessFile(path: string, content: ProcessId & Record<string, unknown>): void {
  writeFileSync(`${path}.new`, JSON.stringify(content), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Undefined when there is no such file, or its process is gone (a stale file is removed). */
export function readProcessFile<T>(path: string): (ProcessId & T) | undefined {
  let content: ProcessId & T;
  try {
    content = JSON.parse(readFileSync(path, "utf8")) as ProcessId & T;
  } catch {
    return undefined;
  }
  if (typeof content.pid === "number" && isAlive(content)) return content;
  rmSync(path, { force: true });
  return undefined;
}
