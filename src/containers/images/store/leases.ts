import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";

/**
 * Marks of operations under way (a build, a load), by any process. Garbage collection spares whatever was made or used
 * since the oldest of them began, because no reference may name it yet. A mark whose process is gone counts no more.
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

  /** When the oldest operation under way began, in milliseconds since the epoch; Infinity without any. */
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

/** Tells a process from a later one with the same number (proc(5), field 22 of stat); "0" where there is no /proc. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
  } catch {
    return pid === process.pid ? "0" : "";
  }
}
