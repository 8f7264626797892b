import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { damaged, errno, explain, invalid } from "../image-error.ts";
import type { Blobs } from "../store/blobs.ts";
import { toBytePath, toFsPath } from "../tar/byte-path.ts";
import { TarReader } from "../tar/reader.ts";
import { TarError } from "../tar/tar-error.ts";
import { decompressed } from "./compression.ts";
import { type Extracted, Extractor } from "./extractor.ts";
import type { SpecialNodes } from "./special-nodes.ts";

/** Metadata of an unpacked layer: `layers/<key>/meta.json`. */
export interface LayerMeta extends Extracted {
  diffId: string;
  /** Boot id at unpacking. Until `synced` exists, the layer may be incomplete after a reboot. */
  boot: string;
}

export interface Layer {
  /** The overlayfs lower directory. */
  dir: string;
  meta: LayerMeta;
}

const boot = readBoot();

/**
 * Unpacked layers, shared by images: `layers/<key>/fs`. The key is short because overlayfs limits all paths of a mount to one
 * page of memory. A layer with implicit directories differs by the layers below, and gets a key for each case.
 */
export class Layers {
  readonly #root: string;
  readonly #blobs: Blobs;
  readonly #nodes: SpecialNodes;
  readonly #privileged: boolean;
  /** By chain, so that concurrent requests share the work. */
  readonly #running = new Map<string, Promise<Layer>>();
  /** Metadata of known directories; the inode tells whether it is still the same one. */
  readonly #seen = new Map<string, { inode: number; meta: LayerMeta }>();
  #syncs = new Set<Promise<void>>();

  constructor(root: string, blobs: Blobs, nodes: SpecialNodes, privileged: boolean) {
    this.#root = root;
    this.#blobs = blobs;
    this.#nodes = nodes;
    this.#privileged = privileged;
    mkdirSync(`${root}/layers`, { recursive: true });
  }

  /** The directories of all layers, lowest first, unpacked on demand. `blobs` are the layers' digests. */
  async chain(diffIds: readonly string[], blobs: readonly string[]): Promise<Layer[]> {
    if (diffIds.length !== blobs.length) {
      throw invalid(`the image's configuration names ${diffIds.length} layers, its manifest ${blobs.length}`);
    }
    const layers: Layer[] = [];
    for (const [index, diffId] of diffIds.entries()) {
      layers.push(await this.#ensure(diffIds.slice(0, index + 1), diffId, blobs[index] as string, layers));
    }
    return layers;
  }

  /** Likewise, if all are unpacked already. */
  present(diffIds: readonly string[]): Layer[] | undefined {
    const layers: Layer[] = [];
    for (const [index, diffId] of diffIds.entries()) {
      const layer = this.#find(diffId, chainId(diffIds.slice(0, index + 1)), layers);
      if (layer === undefined) return undefined;
      layers.push(layer);
    }
    return layers;
  }

  /** Keys of all unpacked layers, with the chains that refer to them. */
  async list(): Promise<string[]> {
    return readdir(`${this.#root}/layers`);
  }

  keys(diffIds: readonly string[]): string[] {
    return diffIds.flatMap((diffId, index) => [keyOf(diffId), keyOf(chainId(diffIds.slice(0, index + 1)))]);
  }

  usedAt(key: string): number {
    return statSync(`${this.#root}/layers/${key}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }

  async remove(key: string): Promise<void> {
    // Under a temporary name first, so that layers appear complete.
    const gone = `${this.#root}/tmp/gone-${randomBytes(8).toString("hex")}`;
    try {
      renameSync(`${this.#root}/layers/${key}`, gone);
    } catch (error) {
      if (errno(error) !== "ENOENT") throw error;
    }
    await rm(gone, { recursive: true, force: true });
  }

  meta(key: string): LayerMeta | undefined {
    return readMeta(`${this.#root}/layers/${key}`);
  }

  /** Waits for background operations. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#running.values());
    await Promise.all(this.#syncs);
  }

  #ensure(chain: readonly string[], diffId: string, blob: string, below: readonly Layer[]): Promise<Layer> {
    const id = chainId(chain);
    const found = this.#find(diffId, id, below);
    if (found !== undefined) return Promise.resolve(found);
    const running = this.#running.get(id);
    if (running !== undefined) return running;
    const work = this.#unpack(diffId, id, blob, below).finally(() => this.#running.delete(id));
    this.#running.set(id, work);
    return work;
  }

  /** The variant for these lower layers, else the common one if its attributes match them. */
  #find(diffId: string, chain: string, below: readonly Layer[]): Layer | undefined {
    for (const key of new Set([keyOf(chain), keyOf(diffId)])) {
      const dir = `${this.#root}/layers/${key}`;
      const meta = this.#meta(dir);
      if (meta === undefined) continue;
      if (meta.diffId !== diffId) {
        throw damaged(`${dir} holds another layer than its name says; remove the directory`);
      }
      if (key !== keyOf(chain) && inherited(meta.implicit, below).length > 0) continue;
      return { dir: `${dir}/fs`, meta };
    }
    return undefined;
  }

  /** Metadata of a complete layer, else undefined. */
  #meta(dir: string): LayerMeta | undefined {
    const inode = statSync(dir, { throwIfNoEntry: false })?.ino;
    if (inode === undefined) return undefined;
    const seen = this.#seen.get(dir);
    if (seen?.inode === inode) return seen.meta;
    const meta = readMeta(dir);
    if (meta === undefined || (meta.boot !== boot && !exists(`${dir}/synced`))) return undefined;
    this.#seen.set(dir, { inode, meta });
    return meta;
  }

  async #unpack(diffId: string, chain: string, blob: string, below: readonly Layer[]): Promise<Layer> {
    const dir = `${this.#root}/tmp/layer-${randomBytes(8).toString("hex")}`;
    try {
      mkdirSync(dir, { mode: 0o755 });
      mkdirSync(`${dir}/fs`, { mode: 0o755 });
      const extractor = new Extractor(`${dir}/fs`, { owners: this.#privileged, whiteouts: true });
      await this.#extract(extractor, blob, diffId);
      const extracted = await extractor.finish(this.#nodes);
      const inherits = this.#inherit(`${dir}/fs`, extracted.implicit, below);
      const meta: LayerMeta = { diffId, boot, ...extracted };
      writeFileSync(`${dir}/meta.json`, JSON.stringify(meta));
      const final = `${this.#root}/layers/${keyOf(inherits ? chain : diffId)}`;
      await this.#publish(dir, final);
      return { dir: `${final}/fs`, meta };
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      if (error instanceof TarError)
        throw invalid(`the layer ${diffId} cannot be unpacked: ${error.message}`, error);
      throw explain(error, `unpacking the layer ${diffId}`);
    }
  }

  async #extract(extractor: Extractor, blob: string, diffId: string): Promise<void> {
    const hash = createHash("sha256");
    const reader = new TarReader(extractor);
    try {
      for await (const chunk of decompressed(this.#blobs.stream(blob))) {
        hash.update(chunk);
        reader.write(chunk);
      }
      reader.finish();
    } finally {
      extractor.abandon();
    }
    const actual = `sha256:${hash.digest("hex")}`;
    if (actual !== diffId) {
      throw invalid(`the layer's content is ${actual}, but the image's configuration says ${diffId}`);
    }
  }

  /** Gives implicit directories the attributes of those below. True when that changed something. */
  #inherit(root: string, implicit: readonly string[], below: readonly Layer[]): boolean {
    const differing = inherited(implicit, below);
    for (const { path, mode, uid, gid } of differing) {
      const own = toFsPath(`${toBytePath(root)}/${path}`);
      if (this.#privileged) lchownSync(own, uid, gid);
      chmodSync(own, mode & 0o7777);
    }
    return differing.length > 0;
  }

  async #publish(dir: string, final: string): Promise<void> {
    try {
      renameSync(dir, final);
    } catch (error) {
      if (errno(error) !== "ENOTEMPTY" && errno(error) !== "EEXIST") throw error;
      const other = readMeta(final);
      if (other !== undefined && (other.boot === boot || exists(`${final}/synced`))) {
        // Another process was faster.
        await rm(dir, { recursive: true, force: true });
        return;
      }
      await this.remove(final.slice(final.lastIndexOf("/") + 1));
      renameSync(dir, final);
    }
    const sync = this.#nodes
      .sync(final)
      .then(() => writeFileSync(`${final}/synced`, ""))
      // Without the mark the layer is unpacked again after a reboot, which is slow but correct.
      .catch(() => {})
      .finally(() => this.#syncs.delete(sync));
    this.#syncs.add(sync);
  }
}

/**
 * The directories for an overlay mount, lowest first. overlayfs rejects duplicate directories, and of a duplicate layer the
 * upper one is sufficient. It also ignores opaqueness of a layer's root, which hides everything below.
 */
export function lowerDirectories(chain: readonly Layer[]): string[] {
  const lowest = chain.findLastIndex((layer) => layer.meta.opaque.includes(""));
  const dirs = chain.slice(Math.max(0, lowest)).map((layer) => layer.dir);
  return dirs.filter((dir, at) => dirs.lastIndexOf(dir) === at);
}

interface Looks {
  path: string;
  mode: number;
  uid: number;
  gid: number;
}

/** The directories among these whose attributes in lower layers differ from the default. */
function inherited(implicit: readonly string[], below: readonly Layer[]): Looks[] {
  return implicit.flatMap((path) => {
    const model = lowerDirectory(below, path);
    if (model === undefined) return [];
    const { mode, uid, gid } = model;
    return (mode & 0o7777) === 0o755 && uid === 0 && gid === 0 ? [] : [{ path, mode, uid, gid }];
  });
}

/** The attributes of `path` in lower layers, if it is a directory there. */
function lowerDirectory(
  below: readonly Layer[],
  path: string,
): { mode: number; uid: number; gid: number } | undefined {
  for (const layer of below.toReversed()) {
    const found = lstatSync(toFsPath(`${toBytePath(layer.dir)}/${path}`), { throwIfNoEntry: false });
    if (found?.isDirectory()) return found;
    if (found !== undefined) return undefined;
    if (layer.meta.opaque.some((dir) => dir === "" || path === dir || path.startsWith(`${dir}/`)))
      return undefined;
  }
  return undefined;
}

/** OCI image specification, "Layer ChainID". */
export function chainId(diffIds: readonly string[]): string {
  return diffIds.reduce(
    (chain, diffId) => `sha256:${createHash("sha256").update(`${chain} ${diffId}`).digest("hex")}`,
  );
}

const keyOf = (digest: string): string => digest.slice(7, 7 + 24);

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

function readMeta(dir: string): LayerMeta | undefined {
  try {
    return JSON.parse(readFileSync(`${dir}/meta.json`, "utf8")) as LayerMeta;
  } catch (error) {
    if (errno(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readBoot(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "unknown";
  }
}
