import { readlinkSync, type Stats } from "node:fs";
import { posix } from "node:path";
import type { IgnoreRules } from "../dockerfile/ignore.ts";
import { isPattern, patternExpression } from "../dockerfile/pattern.ts";
import { WordError } from "../dockerfile/words.ts";
import { type BytePath, showBytePath, toBytePath, toFsPath } from "../tar/byte-path.ts";
import { LayerContent, type LayerEntry } from "./layer-content.ts";
import type { MergedTree, Place } from "./merged-tree.ts";

export interface CopyRequest {
  from: MergedTree;
  /** The source's name in messages: "the build context", 'the stage "build"'. */
  fromName: string;
  ignore: IgnoreRules;
  /** --exclude: by the path below the source. */
  exclude: IgnoreRules;
  /** Preserves owners (copying between images); files of a context become root's. */
  keepOwners: boolean;
  into: MergedTree;
  workdir: string;
  sources: readonly string[];
  /** Files with content in the Dockerfile. */
  inline: readonly { name: string; content: string }[];
  target: string;
  owner: { uid: number; gid: number } | undefined;
  mode: number | undefined;
  parents: boolean;
  /** ADD: the archive to unpack instead of copying, if the file is one. */
  archive: (file: Place) => Promise<boolean>;
  /** Attributes of copied files, by absolute path on this machine. */
  xattrs: (path: BytePath) => ReadonlyMap<string, string> | undefined;
  /** For entries without a time, in seconds. */
  now: number;
}

export interface CopyPlan {
  content: LayerContent;
  /** Archives with the directories to unpack them to. */
  archives: { file: Place; target: BytePath }[];
}

/** Plans COPY and ADD without reading files' content (Dockerfile reference, "COPY"). */
export async function planCopy(request: CopyRequest): Promise<CopyPlan> {
  const owner = request.owner ?? { uid: 0, gid: 0 };
  const plan: CopyPlan = { content: new LayerContent(request.into, owner, request.now), archives: [] };
  const sources = request.sources.flatMap((source) => find(request, source));
  const target = resolveTarget(request, sources.length + request.inline.length);
  for (const { name, content } of request.inline) {
    plan.content.add({
      path: target.directory ? join(target.path, toBytePath(name)) : target.path,
      type: "file",
      mode: request.mode ?? 0o644,
      ...owner,
      mtime: request.now,
      content: Buffer.from(content),
    });
  }
  for (const { place, name } of sources) {
    if (!place.stat.isDirectory() && request.exclude.ignores(showBytePath(name))) continue;
    if (request.parents) {
      const at = join(target.path, place.path);
      if (place.stat.isDirectory()) copyChildren(request, plan.content, place, at, place);
      else copyOne(request, plan.content, place, at);
    } else if (place.stat.isDirectory()) {
      if (target.path !== "" && !plan.content.has(target.path)) plan.content.directory(target.path);
      copyChildren(request, plan.content, place, target.path, place);
    } else if (place.stat.isFile() && (await request.archive(place))) {
      plan.archives.push({ file: place, target: target.path });
      if (target.path !== "") plan.content.directory(target.path);
    } else copyOne(request, plan.content, place, target.directory ? join(target.path, name) : target.path);
  }
  return plan;
}

interface Source {
  place: Place;
  /** Its name in the target directory. */
  name: BytePath;
}

function find(request: CopyRequest, source: string): Source[] {
  const clean = posix.normalize(`/${source}`).slice(1).replace(/\/$/, "");
  if (/^(\.\.\/|\.\.$)/.test(posix.normalize(source)) && !request.keepOwners) {
    throw new WordError(`"${source}" is outside of ${request.fromName}`);
  }
  const found = isPattern(clean) ? matches(request, clean) : single(request, toBytePath(clean));
  if (found.length > 0) return found;
  if (!isPattern(clean) && request.from.lookup(toBytePath(clean), true) !== undefined) {
    throw new WordError(`"${source}" is left out of ${request.fromName} by .dockerignore`);
  }
  throw new WordError(`"${source}" is not in ${request.fromName}`);
}

function single(request: CopyRequest, path: BytePath): Source[] {
  const place = request.from.lookup(path, true);
  if (place === undefined || (place.path !== "" && skipped(request, place))) return [];
  return [{ place, name: path.slice(path.lastIndexOf("/") + 1) }];
}

function matches(request: CopyRequest, pattern: string): Source[] {
  let found: Source[] = [{ place: request.from.lookup("", true) as Place, name: "" }];
  for (const part of toBytePath(pattern).split("/")) {
    const expression = isPattern(part) ? patternExpression(part, false) : undefined;
    found = found.flatMap(({ place }) => {
      if (!place.stat.isDirectory()) return [];
      const names =
        expression === undefined ? [part] : request.from.names(place).filter((name) => expression.test(name));
      return names.flatMap((name) => {
        const child = request.from.lookup(join(place.path, name), true);
        return child === undefined ? [] : [{ place: child, name }];
      });
    });
  }
  return found.filter(({ place }) => !skipped(request, place));
}

const skipped = (request: CopyRequest, place: Place): boolean =>
  request.ignore.ignores(showBytePath(place.path));

function resolveTarget(request: CopyRequest, count: number): { path: BytePath; directory: boolean } {
  const { target } = request;
  const whole = toBytePath(posix.join("/", target.startsWith("/") ? "" : request.workdir, target));
  const { place, missing } = request.into.walk(whole, true);
  if (missing.length > 0 && !place.stat.isDirectory()) {
    throw new WordError(
      `the target "${target}" leads through /${showBytePath(place.path)}, which is not a directory`,
    );
  }
  const path = missing.length === 0 ? place.path : join(place.path, missing.join("/"));
  const exists = missing.length === 0 && place.stat.isDirectory();
  const named = /(^|\/)\.?$/.test(target);
  if (missing.length === 0 && !exists && (named || count > 1)) {
    throw new WordError(`the target "${target}" is a file, not a directory`);
  }
  return { path, directory: exists || named || count > 1 || request.parents };
}

function copyChildren(
  request: CopyRequest,
  content: LayerContent,
  place: Place,
  target: BytePath,
  source: Place,
): void {
  const { ignore, exclude, from } = request;
  for (const name of from.names(place)) {
    const child = from.child(place, name);
    if (child === undefined) continue;
    const below = source.path === "" ? child.path : child.path.slice(source.path.length + 1);
    const ignored = skipped(request, child) || exclude.ignores(showBytePath(below));
    if (ignored && ((ignore.final && exclude.final) || !child.stat.isDirectory())) continue;
    const at = join(target, name);
    if (!child.stat.isDirectory()) {
      copyOne(request, content, child, at);
      continue;
    }
    const real = existingDirectory(request.into, at);
    // An ignored directory is only created for re-included content.
    if (!ignored) copyDirectory(request, content, child, real);
    copyChildren(request, content, child, real, source);
  }
}

/** The existing directory of this name, following links (/lib on a merged /usr). */
function existingDirectory(into: MergedTree, path: BytePath): BytePath {
  const there = into.lookup(path, false);
  if (there?.stat.isSymbolicLink() !== true) return path;
  const real = into.lookup(path, true);
  return real?.stat.isDirectory() ? real.path : path;
}

function copyDirectory(request: CopyRequest, content: LayerContent, place: Place, at: BytePath): void {
  if (content.has(at)) return;
  if (request.into.lookup(at, false)?.stat.isDirectory()) content.directory(at);
  else content.add({ ...attributes(request, place), path: at, type: "directory" });
}

function copyOne(request: CopyRequest, content: LayerContent, place: Place, at: BytePath): void {
  const { stat } = place;
  const source = place.sources[0] as BytePath;
  const entry: Omit<LayerEntry, "type"> = { ...attributes(request, place), path: at };
  if (stat.isFile()) content.add({ ...entry, type: "file", content: { fsPath: source, stat } });
  else if (stat.isSymbolicLink())
    content.add({ ...entry, type: "symlink", mode: 0o777, linkPath: linkTarget(source) });
  else if (stat.isFIFO()) content.add({ ...entry, type: "fifo" });
  else if (stat.isCharacterDevice() || stat.isBlockDevice()) {
    const type = stat.isBlockDevice() ? "block-device" : "character-device";
    content.add({ ...entry, type, ...deviceNumbers(stat) });
  }
  // Sockets are useless without their process.
}

function attributes(request: CopyRequest, place: Place): Omit<LayerEntry, "path" | "type"> {
  const { mode, uid, gid, mtimeMs } = place.stat;
  const owner = request.owner ?? (request.keepOwners ? { uid, gid } : { uid: 0, gid: 0 });
  const xattrs = request.xattrs(place.sources[0] as BytePath);
  return {
    mode: request.mode ?? mode & 0o7777,
    ...owner,
    mtime: mtimeMs / 1000,
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

export const join = (directory: BytePath, name: BytePath): BytePath =>
  directory === "" ? name : `${directory}/${name}`;

/** Linux' encoding of device numbers (makedev(3)). */
export function deviceNumbers(stat: Stats): { major: number; minor: number } {
  const device = BigInt(stat.rdev);
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)),
    minor: Number((device & 0xffn) | ((device >> 12n) & ~0xffn)),
  };
}

const linkTarget = (path: BytePath): BytePath => readlinkSync(toFsPath(path), { encoding: "latin1" });
