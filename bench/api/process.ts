/** Resource usage of processes, from Linux. */
import { readdirSync, readFileSync } from "node:fs";

/** Linux' clock tick: 10 ms. */
const tickUs = 10_000;

/** Microseconds of processor time in a `stat` file: user and system, for a process including ended threads. */
function used(path: string): number {
  const text = readFileSync(path, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickUs;
}

/** Total of these processes, in microseconds. */
export const processorTime = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + used(`/proc/${pid}/stat`), 0);

/** By thread id of a process, in microseconds; with the threads' names. */
export function threadTimes(pid: number): Map<number, { name: string; us: number }> {
  const times = new Map<number, { name: string; us: number }>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const at = `/proc/${pid}/task/${thread}`;
      times.set(Number(thread), {
        name: readFileSync(`${at}/comm`, "utf8").trim(),
        us: Number(readFileSync(`${at}/schedstat`, "latin1").split(" ", 1)[0]) / 1000,
      });
    } catch {
      // It has ended.
    }
  }
  return times;
}

function status(pid: number, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1] ?? 0) / 1024;
}

/** Resident memory in MiB. */
export const residentMemory = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + status(pid, "VmRSS"), 0);
