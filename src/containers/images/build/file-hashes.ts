import { createHash } from "node:crypto";
import { createReadStream, readFileSync, type Stats } from "node:fs";
import { sha256 } from "../store/blobs.ts";
import { replaceFile } from "../store/reference-index.ts";
import { type BytePath, toFsPath } from "../tar/byte-path.ts";

/** Recently changed files may change again with an equal timestamp: the kernel's clock tick is at most 10 ms. */
const settledMs = 100;

/**
 * Content hashes of files, cached by inode, size and times between builds, so that an unchanged context is not read again. This
 * includes the change time, which every write updates and which cannot be set.
 */
export class FileHashes {
  readonly #path: string;
  readonly #now: () => number;
  readonly #known: Map<string, string>;
  readonly #used = new Map<string, string>();
  #changed = false;

  constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
    this.#known = read(path);
  }

  async hash(file: { fsPath: BytePath; stat: Stats }): Promise<string> {
    const { stat, fsPath } = file;
    const key = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
    const known = this.#known.get(key) ?? this.#used.get(key);
    if (known !== undefined) {
      this.#used.set(key, known);
      return known;
    }
    const sum =
      stat.size < 1 << 20 ? sha256(readFileSync(toFsPath(fsPath))).slice(7) : await streamed(fsPath);
    if (this.#now() - Math.max(stat.ctimeMs, stat.mtimeMs) > settledMs) {
      this.#used.set(key, sum);
      this.#changed = true;
    }
    return sum;
  }

  /** Keeps the entries used in this build. */
  async save(): Promise<void> {
    if (this.#changed) await replaceFile(this.#path, JSON.stringify([...this.#used]));
  }
}

function read(path: string): Map<string, string> {
  try {
    return new Map(JSON.parse(readFileSync(path, "utf8")) as [string, string][]);
  } catch {
    return new Map();
  }
}

async function streamed(path: BytePath): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(toFsPath(path), { highWaterMark: 1 << 20 }))
    hash.update(chunk as Buffer);
  return hash.digest("hex");
}
