import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

export interface ProjectedFile {
  content: Uint8Array;
  /** Permission bits. */
  mode: number;
  /** Owner, if not root: for the ServiceAccount token of a pod that runs as one user. */
  uid?: number;
}

/**
 * Makes a directory show exactly these files, all at once: they are written to a new directory beside, to which the
 * symbolic link `..data` is then turned; the names users see are links through `..data`. A reader sees the old set or
 * the new one, never a mix. (The layout is Kubernetes'; programs watch `..data`.) Synchronous: a few small files, mostly
 * in memory, cost less than the thread hops. True when something changed.
 *
 * `group`: files belong to this group and what the owner may do, the group may do too (fsGroup).
 */
export function writeAtomically(
  directory: string,
  files: ReadonlyMap<string, ProjectedFile>,
  stamp: number,
  group?: number,
): boolean {
  const dataLink = join(directory, "..data");
  const current = readLink(dataLink);
  if (current !== undefined && sameFiles(join(directory, current), files, group)) return false;
  // A new volume, as nearly all are: nobody looks yet, so nothing has to be swapped or cleared away.
  const first = current === undefined && mkdirSync(directory, { recursive: true }) !== undefined;

  const name = freshName(directory, stamp, first);
  const fresh = join(directory, name);
  mkdirSync(fresh, { mode: 0o755 });
  chmodSync(fresh, 0o755);
  for (const [path, file] of files) {
    const target = join(fresh, path);
    makeParents(fresh, path);
    writeFileSync(target, file.content);
    if (file.uid !== undefined || group !== undefined) chownSync(target, file.uid ?? 0, group ?? 0);
    // After the write, to ignore the umask.
    chmodSync(target, effectiveMode(file, group));
  }
  if (first) chmodSync(directory, 0o755);
  if (group !== undefined) chownSync(directory, 0, group);
  const names = new Set([...files.keys()].map((path) => path.split("/")[0] ?? path));
  if (first) {
    symlinkSync(name, dataLink);
    for (const each of names) symlinkSync(`..data/${each}`, join(directory, each));
    return true;
  }
  const temporary = join(directory, "..data_tmp");
  rmSync(temporary, { force: true });
  symlinkSync(name, temporary);
  renameSync(temporary, dataLink);
  linkNames(directory, names);
  for (const entry of readdirSync(directory)) {
    if (entry.startsWith("..") && entry !== "..data" && entry !== name) {
      rmSync(join(directory, entry), { recursive: true, force: true });
    }
  }
  return true;
}

function effectiveMode(file: ProjectedFile, group: number | undefined): number {
  if (group === undefined) return file.mode;
  return file.mode | ((file.mode & 0o700) >> 3);
}

/** Links for the first path components; stale ones are removed. */
function linkNames(directory: string, wanted: ReadonlySet<string>): void {
  for (const name of wanted) {
    const link = join(directory, name);
    if (readLink(link) === `..data/${name}`) continue;
    rmSync(link, { recursive: true, force: true });
    symlinkSync(`..data/${name}`, link);
  }
  for (const entry of readdirSync(directory)) {
    if (!entry.startsWith("..") && !wanted.has(entry)) rmSync(join(directory, entry), { force: true });
  }
}

function makeParents(root: string, path: string): void {
  const parts = dirname(path)
    .split("/")
    .filter((p) => p !== ".");
  let at = root;
  for (const part of parts) {
    at = join(at, part);
    mkdirSync(at, { recursive: true });
    chmodSync(at, 0o755);
  }
}

function sameFiles(
  directory: string,
  files: ReadonlyMap<string, ProjectedFile>,
  group: number | undefined,
): boolean {
  let present: string[];
  try {
    present = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((e) => e.isFile())
      .map((e) => join(e.parentPath, e.name).slice(directory.length + 1));
  } catch {
    return false;
  }
  if (present.length !== files.size) return false;
  for (const path of present) {
    const file = files.get(path);
    if (!file) return false;
    const full = join(directory, path);
    const stat = lstatSync(full);
    if ((stat.mode & 0o7777) !== effectiveMode(file, group)) return false;
    if (stat.size !== file.content.length || !readFileSync(full).equals(file.content)) return false;
  }
  return true;
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** `..2026_11_21_04_13_10.123456789`: the time of the update, made unique. */
function freshName(directory: string, stamp: number, first: boolean): string {
  const iso = new Date(stamp).toISOString();
  const base = `..${iso.slice(0, 19).replace(/[-T:]/g, "_")}.`;
  const taken = new Set(first ? [] : readdirSync(directory));
  let fraction = (stamp % 1000) * 1_000_000;
  while (taken.has(base + String(fraction).padStart(9, "0"))) fraction++;
  return base + String(fraction).padStart(9, "0");
}
