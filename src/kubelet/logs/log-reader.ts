import { type FSWatcher, watch } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { parseLogLine } from "./cri-line.ts";
import { stripNewline, tailOffset } from "./tail.ts";

export interface LogReadOptions {
  follow: boolean;
  /** Number of lines from the end; undefined: all. */
  tailLines?: number;
  /** Milliseconds since the epoch: skips older lines. */
  since?: number;
  timestamps: boolean;
  limitBytes?: number;
  /** Only this stream. */
  stream?: "stdout" | "stderr";
  signal?: AbortSignal;
}

/** The container's state, for following. */
export interface LogFollow {
  /** True when the log is complete. */
  ended(): boolean;
  /** Resolves when `ended` may have changed. */
  changed(): Promise<void>;
}

const block = 64 * 1024;

/** The content of a container's log, including rotated files, for `kubectl logs`. */
export async function* readLog(
  path: string,
  options: LogReadOptions,
  follow: LogFollow,
): AsyncGenerator<Buffer> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  const rotated = options.tailLines === undefined ? await rotatedFiles(path) : [];
  for (const file of [...rotated, path]) {
    const current = file === path;
    const offset = current && options.tailLines !== undefined ? await tailOffset(file, options.tailLines) : 0;
    const source =
      current && options.follow ? followFile(file, offset, follow, options.signal) : readFile(file, offset);
    for await (const lines of selectLines(source, options)) {
      if (lines.length >= left) {
        yield lines.subarray(0, left);
        return;
      }
      left -= lines.length;
      yield lines;
    }
  }
}

/** Rotated files, oldest first: `<path>.<time>`. Compressed ones are skipped. */
async function rotatedFiles(path: string): Promise<string[]> {
  const names = await readdir(dirname(path)).catch(() => []);
  const prefix = `${basename(path)}.`;
  return names
    .filter((n) => n.startsWith(prefix) && !n.endsWith(".gz") && !n.endsWith(".tmp"))
    .sort()
    .map((n) => join(dirname(path), n));
}

async function* readFile(path: string, offset: number): AsyncGenerator<Buffer> {
  const file = await open(path, "r");
  try {
    yield* readRest(file, { position: offset });
  } finally {
    await file.close();
  }
}

async function* readRest(file: FileHandle, at: { position: number }): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(block), 0, block, at.position);
    if (bytesRead === 0) return;
    at.position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Follows the growing file (inotify), and the new one after a rotation, until the container has ended. */
async function* followFile(
  path: string,
  offset: number,
  follow: LogFollow,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  let wake = Promise.withResolvers<void>();
  const onAbort = (): void => wake.resolve();
  signal?.addEventListener("abort", onAbort, { once: true });
  // The directory is watched to detect rotations, too.
  const watcher: FSWatcher = watch(dirname(path), () => wake.resolve());
  let file = await open(path, "r");
  try {
    const at = { position: offset };
    for (;;) {
      const ended = follow.ended();
      yield* readRest(file, at);
      if (signal?.aborted) return;
      const fresh = await stat(path).catch(() => undefined);
      const current = await file.stat();
      if (fresh && fresh.ino !== current.ino) {
        yield* readRest(file, at);
        await file.close();
        file = await open(path, "r");
        at.position = 0;
        continue;
      }
      if (ended || !fresh) return;
      if (current.size > at.position) continue;
      await Promise.race([wake.promise, follow.changed()]);
      wake = Promise.withResolvers();
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    watcher.close();
    await file.close();
  }
}

/** Strips the CRI format and joins the lines of a block into one chunk. */
async function* selectLines(source: AsyncIterable<Buffer>, options: LogReadOptions): AsyncGenerator<Buffer> {
  let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  let continued = false;
  for await (const chunk of source) {
    const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const out: Buffer[] = [];
    let at = 0;
    for (let newline = data.indexOf(10, at); newline >= 0; newline = data.indexOf(10, at)) {
      const entry = parseLogLine(data.subarray(at, newline + 1));
      at = newline + 1;
      if (!entry || (options.stream && entry.stream !== options.stream)) continue;
      if (options.since !== undefined && Date.parse(entry.time) < options.since) continue;
      if (options.timestamps && !continued) out.push(Buffer.from(`${entry.time} `));
      out.push(entry.partial ? stripNewline(entry.content) : entry.content);
      continued = entry.partial;
    }
    rest = data.subarray(at);
    if (out.length > 0) yield Buffer.concat(out);
  }
}
