import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";

/**
 * Leases of active operations (a build, a load), of any process. Garbage collection keeps everything created or used since the
 * oldest of them began, since it may not have a name yet. Leases of ended processes are ignored.
 */
export class Leases {
  readonly #dir: string;

  constructor(root: string) {
    this.#dir = `${root}/leases`;
    mkdirSync(this.#dir, { recursive: true });
  }

  begin(): Disposable {
    const path = `${this.#dir}/${process.pid}.${startTime(process.pid)}.${randomBytes(4).toString("hex")}`;
    writeFileSync(path, "");
    return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
  }

  /** Start of the oldest active operation, in milliseconds since the epoch; Infinity without any. */
  oldest(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const name of readdirSync(this.#dir)) {
      const [pid, started] = name.split(".");
      const path = `${this.#dir}/${name}`;
      if (startTime(Number(pid)) !== started) rmSync(path, { force: true });
      else oldest = Math.min(oldest, statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? oldest);
    }
    return oldest;
  }
}

/** Distinguishes a process from a later one with the same id (proc(5), field 22 of stat); "0" without /proc. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
  } catch {
    return pid === process.pid ? "0" : "";
  }
}
