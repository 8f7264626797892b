import {
  closeSync,
  createReadStream,
  createWriteStream,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { LineWriter } from "./log-backend.ts";

export interface RotatingFileOptions {
  path: string;
  /** Rotates the file before it exceeds this; MiB. 0: never. */
  maxSizeMb: number;
  /** Number of rotated files kept; 0: all. */
  maxBackups: number;
  /** Maximum age by the time in their names; 0: unlimited. */
  maxAgeDays: number;
  /** Whether they are compressed (gzip). */
  compress: boolean;
  now(): number;
  /** Receives errors of compressing or removing files. */
  failed: (error: unknown) => void;
}

const dayMs = 24 * 3600 * 1000;
const packed = ".gz";

/** A log file that is rotated when it is full, named by the time (like lumberjack). */
export class RotatingFile implements LineWriter {
  readonly #options: RotatingFileOptions;
  readonly #stem: string;
  readonly #extension: string;
  #file: number;
  #size: number;
  /** Cleanups run one after the other. */
  #tidying: Promise<void> = Promise.resolve();

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#extension = extname(options.path);
    this.#stem = basename(options.path, this.#extension);
    mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 });
    this.#file = openSync(options.path, "a", 0o600);
    this.#size = fstatSync(this.#file).size;
    if (options.maxSizeMb > 0) this.#tidy();
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    const limit = this.#options.maxSizeMb * 1024 * 1024;
    if (limit > 0 && this.#size > 0 && this.#size + bytes.length > limit) this.#rotate();
    // A write may be partial; the written part counts even when the rest fails.
    for (let at = 0; at < bytes.length; ) {
      const taken = writeSync(this.#file, bytes, at);
      at += taken;
      this.#size += taken;
    }
  }

  async close(): Promise<void> {
    closeSync(this.#file);
    await this.#tidying;
  }

  #rotate(): void {
    const { path, now } = this.#options;
    const time = new Date(now()).toISOString().replaceAll(":", "-").replace("Z", "");
    try {
      renameSync(path, join(dirname(path), `${this.#stem}-${time}${this.#extension}`));
    } catch (error) {
      // Already rotated: the new file could not be opened then, or another process has moved it.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    const full = this.#file;
    this.#file = openSync(path, "a", 0o600);
    closeSync(full);
    this.#size = 0;
    this.#tidy();
  }

  #tidy(): void {
    this.#tidying = this.#tidying.then(() => this.#tidyOnce()).catch(this.#options.failed);
  }

  /** Removes old and surplus files, then compresses the others. */
  async #tidyOnce(): Promise<void> {
    const { path, maxBackups, maxAgeDays, compress, now } = this.#options;
    const dir = dirname(path);
    const aside = readdirSync(dir)
      .flatMap((name) => this.#asideOf(name) ?? [])
      .sort((a, b) => b.at - a.at);
    const times = [...new Set(aside.map(({ at }) => at))];
    const oldest = maxAgeDays > 0 ? now() - maxAgeDays * dayMs : -Infinity;
    for (const { name, at } of aside) {
      const file = join(dir, name);
      const tooMany = maxBackups > 0 && times.indexOf(at) >= maxBackups;
      if (tooMany || at < oldest) rmSync(file, { force: true });
      else if (compress && !name.endsWith(packed)) await pack(file);
    }
  }

  /** Undefined for other files. */
  #asideOf(name: string): { name: string; at: number } | undefined {
    const bare = name.endsWith(packed) ? name.slice(0, -packed.length) : name;
    if (!bare.startsWith(`${this.#stem}-`) || !bare.endsWith(this.#extension)) return undefined;
    const time = bare.slice(this.#stem.length + 1, bare.length - this.#extension.length);
    if (!/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/.test(time)) return undefined;
    return { name, at: Date.parse(`${time.replace(/T(\d\d)-(\d\d)-/, "T$1:$2:")}Z`) };
  }
}

/** Deletes the file when the compressed one is complete. */
async function pack(file: string): Promise<void> {
  const half = `${file}${packed}.part`;
  await pipeline(createReadStream(file), createGzip(), createWriteStream(half, { mode: 0o600 }));
  renameSync(half, `${file}${packed}`);
  rmSync(file);
}
