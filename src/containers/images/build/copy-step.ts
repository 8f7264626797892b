import { randomBytes } from "node:crypto";
import { createReadStream, mkdirSync, openSync, readSync, closeSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { IgnoreRules } from "../dockerfile/ignore.ts";
import { ignoreNothing, parseIgnore } from "../dockerfile/ignore.ts";
import type { InstructionOf } from "../dockerfile/instruction.ts";
import { expandWord, WordError } from "../dockerfile/words.ts";
import { decompressed, sniffCompression } from "../layer/compression.ts";
import { Extractor } from "../layer/extractor.ts";
import { type BytePath, showBytePath, toBytePath, toFsPath } from "../tar/byte-path.ts";
import { decodeHeader } from "../tar/header.ts";
import { TarReader } from "../tar/reader.ts";
import { TarError } from "../tar/tar-error.ts";
import { type CopyPlan, join, planCopy } from "./copy-plan.ts";
import type { FileHashes } from "./file-hashes.ts";
import type { Kitchen } from "./kitchen.ts";
import { contentKey, type LayerContent, writeLayer } from "./layer-content.ts";
import type { MergedTree, Place } from "./merged-tree.ts";
import type { StageState } from "./stage-state.ts";
import type { CachedStep } from "./step-cache.ts";
import { readUpper } from "./tree-diff.ts";
import { resolveOwner } from "./users.ts";

export interface CopySource {
  tree: MergedTree;
  name: string;
  ignore: IgnoreRules;
  /** Copying between images. */
  image: boolean;
}

export interface CopyStepOptions {
  escape: string;
  hashes: FileHashes;
  noCache: boolean;
  /** Upper limit of file times, in seconds. */
  clampTo: number | undefined;
}

/** COPY and ADD. Cached by the layer's content, independent of earlier steps. */
export async function copyStep(
  kitchen: Kitchen,
  state: StageState,
  instruction: InstructionOf<"COPY">,
  source: CopySource,
  options: CopyStepOptions,
): Promise<CachedStep & { cached: boolean }> {
  const into = await state.tree();
  const { variables } = state;
  const expand = (text: string): string => expandWord(text, variables, options.escape);
  const { flags, keyword } = instruction;
  const sources = instruction.sources.map((text) => ({
    text,
    heredoc: instruction.heredocs.find((h) => h.marker === text),
  }));
  const paths = sources.filter((s) => s.heredoc === undefined).map((s) => expand(s.text));
  if (keyword === "ADD") for (const path of paths) refuseDownload(path);
  const owner = flags.chown === undefined ? undefined : resolveOwner(into, expand(flags.chown));
  const excluded =
    flags.exclude.length === 0
      ? ignoreNothing
      : parseIgnore(flags.exclude.map(expand).join("\n"), "--exclude");
  const xattrs = source.image ? await sourceXattrs(kitchen, source.tree, paths) : new Map();
  const plan = await planCopy({
    from: source.tree,
    fromName: source.name,
    ignore: source.ignore,
    exclude: excluded,
    keepOwners: source.image,
    into,
    workdir: state.workdir,
    sources: paths,
    inline: sources.flatMap(({ heredoc }) =>
      heredoc === undefined
        ? []
        : [
            {
              name: heredoc.name,
              content: heredoc.expand ? expandHeredoc(heredoc.content, variables) : heredoc.content,
            },
          ],
    ),
    target: expand(instruction.target),
    owner,
    mode: flags.chmod === undefined ? undefined : octal(expand(flags.chmod)),
    parents: flags.parents,
    archive: keyword === "ADD" ? (place) => isArchive(place) : async () => false,
    xattrs: (path) => xattrs.get(path),
    now: Math.floor(kitchen.clock.now() / 1000),
  });
  const key = kitchen.cache.key(
    "copy",
    await contentKey(plan.content.entries(), (file) => options.hashes.hash(file)),
    await Promise.all(
      plan.archives.map(async ({ file, target }) => [
        target,
        await options.hashes.hash({ fsPath: file.sources[0] as BytePath, stat: file.stat }),
      ]),
    ),
    plan.archives.length === 0 ? null : [owner ?? null, options.clampTo ?? null],
  );
  const cached = options.noCache ? undefined : kitchen.cache.find(key);
  if (cached !== undefined) return { ...cached, cached: true };
  const layer = await writePlan(kitchen, plan, owner, options.clampTo);
  const step: CachedStep = { layer, created: new Date(kitchen.clock.now()).toISOString() };
  await kitchen.cache.put(key, step);
  return { ...step, cached: false };
}

/** Creates a missing WORKDIR. */
export async function workdirStep(
  kitchen: Kitchen,
  state: StageState,
  makeContent: (tree: MergedTree) => LayerContent,
): Promise<CachedStep | undefined> {
  const tree = await state.tree();
  const path = toBytePath(state.workdir.slice(1));
  const { place, missing } = tree.walk(path, true);
  if (missing.length === 0) {
    if (place.stat.isDirectory()) return undefined;
    throw new WordError(`${state.workdir} is not a directory in the image`);
  }
  const content = makeContent(tree);
  content.directory(join(place.path, missing.join("/")));
  const key = kitchen.cache.key("workdir", await contentKey(content.entries(), async () => ""));
  const cached = kitchen.cache.find(key);
  if (cached !== undefined) return cached;
  const layer = await writeLayer(content.entries(), kitchen.blobs, undefined);
  const step: CachedStep = { layer, created: new Date(kitchen.clock.now()).toISOString() };
  await kitchen.cache.put(key, step);
  return step;
}

async function writePlan(
  kitchen: Kitchen,
  plan: CopyPlan,
  owner: { uid: number; gid: number } | undefined,
  clampTo: number | undefined,
): Promise<CachedStep["layer"]> {
  const unpacked: string[] = [];
  try {
    for (const { file, target } of plan.archives) {
      const dir = `${kitchen.root}/tmp/add-${randomBytes(8).toString("hex")}`;
      mkdirSync(dir);
      unpacked.push(dir);
      await unpackArchive(kitchen, file, dir);
      const xattrs = await kitchen.nodes.readXattrs(toBytePath(dir));
      for (const entry of readUpper(
        toBytePath(dir),
        xattrs,
        () => false,
        () => false,
      )) {
        const link = entry.type === "hardlink" ? { linkPath: join(target, entry.linkPath ?? "") } : {};
        plan.content.add({ ...entry, ...link, ...owner, path: join(target, entry.path) });
      }
    }
    if (plan.content.size === 0) return undefined;
    return await writeLayer(plan.content.entries(), kitchen.blobs, clampTo);
  } finally {
    for (const dir of unpacked) await rm(dir, { recursive: true, force: true });
  }
}

async function unpackArchive(kitchen: Kitchen, file: Place, dir: string): Promise<void> {
  const extractor = new Extractor(dir, { owners: kitchen.privileged, whiteouts: false });
  const name = showBytePath(file.path);
  try {
    const reader = new TarReader(extractor);
    const stream = createReadStream(toFsPath(file.sources[0] as BytePath), { highWaterMark: 256 << 10 });
    for await (const chunk of decompressed(stream)) reader.write(chunk);
    reader.finish();
    await extractor.finish(kitchen.nodes);
  } catch (error) {
    if (error instanceof TarError)
      throw new WordError(`the archive ${name} cannot be unpacked: ${error.message}`, { cause: error });
    throw error;
  } finally {
    extractor.abandon();
  }
}

/** By content, as in docker: a tar archive, possibly compressed. */
async function isArchive(place: Place): Promise<boolean> {
  const path = toFsPath(place.sources[0] as BytePath);
  const head = Buffer.alloc(512);
  const fd = openSync(path, "r");
  try {
    readSync(fd, head, 0, 512, 0);
  } finally {
    closeSync(fd);
  }
  let first: Buffer = head;
  try {
    if (sniffCompression(head) !== "none") {
      const stream = createReadStream(path);
      first = Buffer.alloc(0);
      for await (const chunk of decompressed(stream)) {
        first = Buffer.concat([first, chunk]);
        if (first.length >= 512) break;
      }
    }
    return first.length >= 512 && decodeHeader(first.subarray(0, 512)) !== undefined;
  } catch (error) {
    if (error instanceof TarError) return false;
    throw new WordError(`${showBytePath(place.path)}: ${(error as Error).message}`, { cause: error });
  }
}

function refuseDownload(path: string): void {
  if (/^(https?|ftp):\/\//i.test(path) || /^git@/.test(path)) {
    throw new WordError(
      `"${path}" would be downloaded, which wherry does not do. Put the file beside the Dockerfile, or download it in a RUN step`,
    );
  }
}

function octal(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new WordError(`--chmod=${text} is not an octal mode like 755`);
  return Number.parseInt(text, 8);
}

/** In a here-document quotes are literal; `$` and the escape before it are not. */
function expandHeredoc(content: string, variables: (name: string) => string | undefined): string {
  return content.replace(/\\\$|\$\{[^}]*\}|\$[A-Za-z_][A-Za-z0-9_]*/g, (text) =>
    text === "\\$" ? "$" : expandWord(text, variables, "\\"),
  );
}

async function sourceXattrs(
  kitchen: Kitchen,
  tree: MergedTree,
  paths: readonly string[],
): Promise<Map<BytePath, ReadonlyMap<string, string>>> {
  const found = new Map<BytePath, ReadonlyMap<string, string>>();
  for (const path of paths) {
    const place = tree.lookup(toBytePath(path), true);
    for (const source of place?.sources ?? []) {
      for (const [below, attributes] of await kitchen.nodes.readXattrs(source)) {
        const kept = new Map([...attributes].filter(([name]) => name === "security.capability"));
        if (kept.size > 0) found.set(below === "" ? source : `${source}/${below}`, kept);
      }
    }
  }
  return found;
}
