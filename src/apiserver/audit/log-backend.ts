import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { AuditBackend } from "./event.ts";

export interface LogOptions {
  /** `-`: standard output. */
  path: string;
  /** A file that would become larger is put aside; MiB. Default 100. */
  maxSizeMb?: number;
  /** How many such files are kept; 0 or nothing: all. */
  maxBackups?: number;
  /** How long they are kept; 0 or nothing: for ever. */
  maxAgeDays?: number;
  now(): number;
}

const dayMs = 24 * 3600 * 1000;

/** One event a line, written before the request goes on. Files are put aside under the time, as log rotation does it. */
export function logBackend(options: LogOptions): AuditBackend {
  const { path } = options;
  if (path === "-") {
    return {
      plugin: "log",
      write: (_event, line) => void process.stdout.write(`${line}\n`),
      close: async () => {},
    };
  }
  const limit = (options.maxSizeMb || 100) * 1024 * 1024;
  let file = openSync(path, "a", 0o600);
  let size = fstatSync(file).size;

  const rotate = (): void => {
    const extension = extname(path);
    const stem = basename(path, extension);
    const time = new Date(options.now()).toISOString().replaceAll(":", "-").replace("Z", "");
    renameSync(path, join(dirname(path), `${stem}-${time}${extension}`));
    const full = file;
    file = openSync(path, "a", 0o600);
    closeSync(full);
    size = 0;
    removeOld(options, stem, extension);
  };

  return {
    plugin: "log",
    write(_event, line) {
      const bytes = Buffer.from(`${line}\n`);
      if (size > 0 && size + bytes.length > limit) rotate();
      writeSync(file, bytes);
      size += bytes.length;
    },
    async close() {
      closeSync(file);
    },
  };
}

function removeOld(
  { path, maxBackups = 0, maxAgeDays = 0, now }: LogOptions,
  stem: string,
  extension: string,
): void {
  const dir = dirname(path);
  const aside = readdirSync(dir)
    .filter((name) => /-\d{4}-\d\d-\d\dT[\d-]+\.\d{3}$/.test(name.slice(0, name.length - extension.length)))
    .filter((name) => name.startsWith(`${stem}-`) && name.endsWith(extension))
    .sort()
    .reverse();
  for (const [i, name] of aside.entries()) {
    const file = join(dir, name);
    const old = maxAgeDays > 0 && existsSync(file) && now() - statSync(file).mtimeMs > maxAgeDays * dayMs;
    if (old || (maxBackups > 0 && i >= maxBackups)) rmSync(file, { force: true });
  }
}
