import { createReadStream } from "node:fs";
import type { Stats } from "node:fs";
import { createHash } from "node:crypto";
import { type BytePath, showBytePath, toFsPath } from "../tar/byte-path.ts";
import { encodeHeader, type NewEntry, padding, trailer } from "../tar/writer.ts";
import type { Blobs } from "../store/blobs.ts";
import { type Descriptor, mediaTypes } from "../oci-format.ts";
import { CriError } from "../../../cri/index.ts";
import { WordError } from "../dockerfile/words.ts";
import type { MergedTree, Place } from "./merged-tree.ts";

/** A file's content: in memory, or in a file of this machine. */
export type Content = Buffer | { fsPath: BytePath; stat: Stats };

export interface LayerEntry extends NewEntry {
  content?: Content;
}

/** A layer under construction: its entries by path. A later entry replaces an earlier one. */
export class LayerContent {
  readonly #entries = new Map<BytePath, LayerEntry>();
  readonly #base: MergedTree;
  /** Owner of implicitly created directories. */
  readonly #made: { uid: number; gid: number };
  readonly #mtime: number;

  constructor(base: MergedTree, made: { uid: number; gid: number }, mtime: number) {
    this.#base = base;
    this.#made = made;
    this.#mtime = mtime;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Adds missing parents: as in lower layers, else new. */
  add(entry: LayerEntry): void {
    const path = entry.path;
    if (/(^|\/)\.wh\.[^/]*$/.test(path)) {
      throw new WordError(
        `${showBytePath(path)}: names that begin with ".wh." mean deletion in images and cannot be copied`,
      );
    }
    if (path !== "") this.#parents(path);
    const present = this.#entries.get(path);
    if (present !== undefined && present.type !== entry.type) {
      for (const other of this.#entries.keys()) if (other.startsWith(`${path}/`)) this.#entries.delete(other);
    }
    this.#entries.set(path, entry);
  }

  /** An existing directory, or a new one. */
  directory(path: BytePath): void {
    if (this.#entries.has(path)) return;
    if (path !== "") this.#parents(path);
    const place = this.#base.lookup(path, false);
    if (place?.stat.isDirectory()) this.#entries.set(path, existing(place));
    else {
      this.#entries.set(path, { path, type: "directory", mode: 0o755, mtime: this.#mtime, ...this.#made });
    }
  }

  has(path: BytePath): boolean {
    return this.#entries.has(path);
  }

  entries(): LayerEntry[] {
    return [...this.#entries.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  }

  #parents(path: BytePath): void {
    const slash = path.lastIndexOf("/");
    if (slash > 0) this.directory(path.slice(0, slash));
  }
}

function existing(place: Place): LayerEntry {
  const { mode, uid, gid, mtimeMs } = place.stat;
  return {
    path: place.path,
    type: "directory",
    mode: mode & 0o7777,
    uid,
    gid,
    mtime: Math.floor(mtimeMs / 1000),
  };
}

/** The layer's content without times: an equal key means that the layer can be reused. */
export async function contentKey(
  entries: readonly LayerEntry[],
  hashOf: (content: { fsPath: BytePath; stat: Stats }) => Promise<string>,
): Promise<string> {
  const hash = createHash("sha256");
  for (const entry of entries) {
    const { content } = entry;
    const sum =
      content === undefined
        ? ""
        : Buffer.isBuffer(content)
          ? createHash("sha256").update(content).digest("hex")
          : await hashOf(content);
    const xattrs = [...(entry.xattrs ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    const facts = [
      entry.path,
      entry.type,
      entry.mode,
      entry.uid ?? 0,
      entry.gid ?? 0,
      entry.linkPath,
      entry.major,
      entry.minor,
    ];
    hash.update(`${JSON.stringify([...facts, sum, xattrs])}\n`);
  }
  return hash.digest("hex");
}

export interface WrittenLayer {
  /** Built layers are stored uncompressed, so this is the digest as well. */
  diffId: string;
  descriptor: Descriptor;
}

/** Writes the layer as an uncompressed tar. Reproducible. `clampTo` limits times, in seconds. */
export async function writeLayer(
  entries: readonly LayerEntry[],
  blobs: Blobs,
  clampTo: number | undefined,
): Promise<WrittenLayer> {
  const writer = blobs.writer();
  try {
    for (const entry of entries) {
      const { content } = entry;
      const size = content === undefined ? 0 : Buffer.isBuffer(content) ? content.length : content.stat.size;
      const mtime = Math.floor(entry.mtime ?? 0);
      writer.write(
        encodeHeader({ ...entry, size, mtime: clampTo === undefined ? mtime : Math.min(mtime, clampTo) }),
      );
      if (size === 0 || content === undefined) continue;
      if (Buffer.isBuffer(content)) writer.write(content);
      else {
        let done = 0;
        for await (const chunk of createReadStream(toFsPath(content.fsPath), {
          highWaterMark: 1 << 20,
          end: size - 1,
        })) {
          writer.write(chunk as Buffer);
          done += (chunk as Buffer).length;
        }
        if (done !== size) {
          throw new CriError(
            "FailedPrecondition",
            `${showBytePath(content.fsPath)} changed while it was read; build again`,
          );
        }
      }
      writer.write(padding(size));
    }
    writer.write(trailer());
    const { digest, size } = writer.commit();
    return { diffId: digest, descriptor: { mediaType: mediaTypes.layer, digest, size } };
  } catch (error) {
    writer.abort();
    throw error;
  }
}
