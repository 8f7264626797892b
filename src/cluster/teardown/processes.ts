import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type ProcessId, processId, signalProcess, waitForExit } from "../process/process-id.ts";
import { cgroupProcesses, thawCgroups } from "./cgroups.ts";

/** Programs of ours that hold paths of the cluster in their arguments: monitors and helpers outside the cgroups. */
function ownProcesses(places: readonly string[]): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        const program = readlinkSync(`/proc/${pid}/exe`);
        if (!/(^|\/)wherry[^/]*( \(deleted\))?$/.test(program) && !program.includes("node")) return false;
        const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return (
          args.some((arg) => places.some((place) => arg === place || arg.startsWith(`${place}/`))) &&
          // A user's command about the cluster is not one of its processes.
          (program.includes("wherry") || args.some((arg) => /\/(server|network|worker)\.(ts|js)$/.test(arg)))
        );
      } catch {
        return false;
      }
    });
}

const termBit = 1n << 14n;

/**
 * True when SIGTERM has an effect: some processes ignore it, and the first process of a PID namespace only gets signals that it
 * handles.
 */
function listens(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const has = (field: string): boolean =>
      (BigInt(`0x${new RegExp(`^${field}:\\s*([0-9a-f]+)`, "m").exec(status)?.[1] ?? "0"}`) & termBit) !== 0n;
    const ids = /^NSpid:\s*(.*)$/m.exec(status)?.[1]?.trim().split(/\s+/) ?? [];
    const first = ids.length > 1 && ids.at(-1) === "1";
    return first ? has("SigCgt") : !has("SigIgn");
  } catch {
    return false;
  }
}

/**
 * Ends all processes in the cluster's cgroups: SIGTERM, as at a machine's shutdown, and SIGKILL after `graceMs`. Then the
 * cluster's helper programs. Resolves when none is left.
 */
export async function endClusterProcesses(
  cgroupRoot: string,
  places: readonly string[],
  graceMs: number,
): Promise<void> {
  thawCgroups(cgroupRoot);
  const identify = (pids: readonly number[]): ProcessId[] =>
    pids.map((pid) => processId(pid)).filter((id) => id !== undefined);
  const asked = identify(cgroupProcesses(cgroupRoot).filter(listens));
  for (const id of asked) signalProcess(id, "SIGTERM");
  await Promise.all(asked.map((id) => waitForExit(id, graceMs)));
  // Repeated, since processes may fork meanwhile.
  for (let round = 0; round < 20; round++) {
    const left = identify([...cgroupProcesses(cgroupRoot), ...ownProcesses(places)]);
    if (left.length === 0) return;
    for (const id of left) signalProcess(id, "SIGKILL");
    await Promise.all(left.map((id) => waitForExit(id, 1000)));
  }
}
