import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ClusterError } from "../cluster-error.ts";
import { isAlive, type ProcessId, processId } from "../process/process-id.ts";
import { maxClusters } from "./naming.ts";

/** A slot is a file named by its index that holds its owner's data directory and name. It is created atomically. */
interface Owner {
  dataDir: string;
  name: string;
}

/** `maker`: the process that took it and has not written the data directory yet. */
type Slot = Owner & { maker?: ProcessId };

function ownerOf(slotsDir: string, index: number): Slot | undefined {
  try {
    return JSON.parse(readFileSync(join(slotsDir, String(index)), "utf8")) as Slot;
  } catch {
    return undefined;
  }
}

/** True when this call took it; false when it is taken. */
function claim(slotsDir: string, index: number, owner: Owner): boolean {
  const path = join(slotsDir, String(index));
  const draft = join(slotsDir, `.${process.pid}-${index}`);
  writeFileSync(draft, JSON.stringify({ ...owner, maker: processId(process.pid) }));
  try {
    linkSync(draft, path); // fails when it exists: the lock of this little registry
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Assigns a cluster its index, which determines ports and address ranges. `remembered` is the index it had before. Slots whose
 * data directory is gone are free. The caller calls `settleSlot` when its data directory is written.
 */
export function takeSlot(slotsDir: string, owner: Owner, remembered?: number): number {
  mkdirSync(slotsDir, { recursive: true });
  for (let index = 0; index < maxClusters; index++) {
    const holder = ownerOf(slotsDir, index);
    if (!holder || holder.dataDir === owner.dataDir || (holder.maker && isAlive(holder.maker))) continue;
    if (!existsSync(join(holder.dataDir, "cluster.json")))
      rmSync(join(slotsDir, String(index)), { force: true });
  }
  const candidates =
    remembered === undefined ? Array.from({ length: maxClusters }, (_, i) => i) : [remembered];
  const own = candidates.find((index) => ownerOf(slotsDir, index)?.dataDir === owner.dataDir);
  if (own !== undefined) return own;
  for (const index of candidates) if (claim(slotsDir, index, owner)) return index;
  if (remembered === undefined)
    throw new ClusterError(`there are ${maxClusters} clusters on this machine already`, {
      hint: "Remove one with: wherry down --purge --name NAME",
    });
  const holder = ownerOf(slotsDir, remembered);
  throw new ClusterError(
    `the address ranges of ${owner.dataDir} are used by the cluster "${holder?.name}" in ${holder?.dataDir}`,
    { hint: `Remove one of them: wherry down --purge --name ${holder?.name}` },
  );
}

/** The data directory is written: from now on it alone marks the slot as used. */
export function settleSlot(slotsDir: string, index: number): void {
  const { maker, ...owner } = ownerOf(slotsDir, index) ?? {};
  if (!maker) return;
  const draft = join(slotsDir, `.${process.pid}-${index}`);
  writeFileSync(draft, JSON.stringify(owner));
  renameSync(draft, join(slotsDir, String(index)));
}

/** Releases the slot, and removes an empty directory. */
export function freeSlot(slotsDir: string, dataDir: string): void {
  if (!existsSync(slotsDir)) return;
  for (const file of readdirSync(slotsDir))
    if (ownerOf(slotsDir, Number(file))?.dataDir === dataDir) rmSync(join(slotsDir, file), { force: true });
  for (const dir of [slotsDir, dirname(slotsDir)]) {
    try {
      rmdirSync(dir);
    } catch {
      return; // other clusters
    }
  }
}
