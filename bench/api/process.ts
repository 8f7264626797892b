/** What processes have used so far, as Linux counts it. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** Microseconds of processor time of all threads that still are, and of those that ended. */
export function processorTime(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      try {
        total +=
          Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0]) / 1000;
      } catch {
        // The thread has ended.
      }
    }
  }
  return total;
}

/** By thread name, in microseconds: which part of the server it is. */
export function threadTimes(pid: number): Map<string, number> {
  const times = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const at = `/proc/${pid}/task/${thread}`;
    const name = readFileSync(`${at}/comm`, "utf8").trim();
    const us = Number(readFileSync(`${at}/schedstat`, "utf8").split(" ", 1)[0]) / 1000;
    times.set(name, (times.get(name) ?? 0) + us);
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

/** The most there was since `forgetPeak`, in MiB. */
export const peakMemory = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + status(pid, "VmHWM"), 0);

export function forgetPeak(pids: readonly number[]): void {
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, "5");
}
